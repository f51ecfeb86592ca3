"""Pipelines of LLVM's passes for programs that are about to be handed in."""
import random

# Not the attributor: programs that it has seen are other ones when clang -O2 compiles them.
INFERENCE = ["inferattrs,cgscc(function-attrs),rpo-function-attrs",
             "function(sroa,instcombine<no-verify-fixpoint>,simplifycfg),inferattrs,cgscc(function-attrs),rpo-function-attrs",
             "inferattrs,cgscc(inline,function-attrs,function(sroa,early-cse<memssa>,simplifycfg)),rpo-function-attrs"]
OF_FUNCTIONS = """sroa mem2reg reg2mem early-cse early-cse<memssa> instsimplify instcombine<no-verify-fixpoint> aggressive-instcombine simplifycfg
    gvn newgvn gvn-hoist gvn-sink sccp adce bdce dse memcpyopt mldst-motion sink jump-threading correlated-propagation
    constraint-elimination reassociate nary-reassociate slsr separate-const-offset-from-gep tailcallelim mergeicmps
    slp-vectorizer loop-vectorize vector-combine load-store-vectorizer scalarizer loop-unroll loop-distribute
    loop-load-elim loop-fusion loop-versioning loop-simplify lcssa lower-switch break-crit-edges mergereturn
    fix-irreducible unify-loop-exits speculative-execution div-rem-pairs float2int lower-expect
    infer-alignment consthoist callsite-splitting partially-inline-libcalls assume-builder assume-simplify irce
    loop-data-prefetch""".split()
OF_LOOPS = """licm lnicm loop-rotate loop-idiom loop-deletion indvars loop-unroll-full loop-flatten loop-interchange loop-reduce
    loop-instsimplify loop-simplifycfg loop-term-fold loop-bound-split loop-predication simple-loop-unswitch<nontrivial;trivial>
    loop-versioning-licm canon-freeze""".split()
OF_MODULES = """cgscc(inline) cgscc(argpromotion) cgscc(function-attrs) rpo-function-attrs inferattrs always-inline globalopt
    globaldce deadargelim ipsccp mergefunc partial-inliner hotcoldsplit iroutliner called-value-propagation constmerge
    cgscc(coro-split)""".split()
OF_NESTS = {"loop-interchange", "lnicm", "loop-flatten"}
WITHOUT_MEMORY_SSA = {"loop-reduce", "indvars", "loop-idiom", "loop-deletion", "canon-freeze", "loop-term-fold", "loop-unroll-full"}


def that_infers(seed):
    return INFERENCE[seed % len(INFERENCE)]


def one(source):
    kind = source.random()
    if kind < 0.55:
        return f"function({source.choice(OF_FUNCTIONS)})"
    if kind < 0.8:
        name = source.choice(OF_LOOPS)
        manager = "loop" if name in WITHOUT_MEMORY_SSA else "loop-mssa"
        return f"function(loop-simplify,lcssa,{manager}({name}))"
    return source.choice(OF_MODULES)


def at_random(seed, count):
    source = random.Random(seed)
    passes = [one(source) for _ in range(count)]
    return ",".join(passes if source.random() < 0.5 else [*passes, that_infers(seed)])
