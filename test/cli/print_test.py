#!/usr/bin/env python3
"""Checks the manual page and the completions that osrctl prints: they say what its own help says, and shells understand them."""
import re
import shutil
import subprocess
import unittest

from osrctl_case import OSRCTL, OsrctlCase

VERBS = ["run", "sites", "lower", "maps", "code", "bisect", "bench", "ps", "attach", "print"]
REQUESTS = {".TH", ".SH", ".SS", ".TP", ".PP", ".nf", ".fi"}


class Print(OsrctlCase):
    def printed(self, *arguments):
        ended = self.osrctl(*arguments)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), arguments)
        return ended.stdout

    def options(self, verb):
        """All that the verb's help lists."""
        names = re.findall(r"^  (-[-a-z,]+)", self.printed(verb, "--help"), re.M)
        return {name for several in names for name in several.split(",")}

    def complete(self, *words, ps=""):
        """What bash offers for the last word."""
        script = self.folder / "osrctl.bash"
        script.write_text(self.printed("print", "bash-completion"))
        quoted = " ".join(f"'{word}'" for word in ["osrctl", *words])
        ended = subprocess.run(
            ["bash", "-c", f"osrctl() {{ printf '{ps}'; }}; . {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}\n"
             f"_osrctl osrctl '{words[-1]}' '{(['osrctl'] + list(words))[-2]}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
            capture_output=True, text=True, check=True)
        self.assertEqual(ended.stderr, "")
        return ended.stdout.split()

    def test_manual(self):
        manual = self.printed("print", "manual")
        self.assertEqual({line.split()[0] for line in manual.splitlines() if line.startswith(".")}, REQUESTS)
        text = manual.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")
        parts = dict(re.findall(r"^\.SS osrctl (\w+)(.*?)(?=^\.S[SH])", text, re.M | re.S))
        self.assertEqual(list(parts), VERBS)
        for verb, part in parts.items():
            described = {name.split()[0] for line in re.findall(r"^\.TP\n(-.*)$", part, re.M) for name in line.split(", ")}
            self.assertEqual(described, self.options(verb), verb)
        commands = re.search(r"Commands:\n(.*)Example", self.printed("attach", "--help"), re.S)[1]
        for name in re.findall(r"^  (\S+)", commands, re.M):
            self.assertRegex(text, rf"(?m)^\.TP\n{name}( |$)")

    def test_words_for_bash(self):
        self.assertEqual(set(self.complete("")) - {"-h", "--help", "--version"}, set(VERBS))
        self.assertEqual(self.complete("pr"), ["print"])
        for verb in VERBS:
            self.assertEqual(set(self.complete(verb, "-")), self.options(verb), verb)
        self.assertEqual(self.complete("run", "--tier", ""), ["auto", "baseline", "optimized", "plain"])
        self.assertEqual(self.complete("run", "--tier", "o"), ["optimized"])
        self.assertEqual(self.complete("print", "--help", "-"), self.complete("print", "-"))
        self.assertEqual(self.complete("print", "m"), ["manual"])

    def test_attach_for_bash(self):
        table = "PID PROGRAM\\n 17 server\\n 23 other\\n"
        self.assertEqual(self.complete("attach", "", ps=table), ["17", "23"])
        self.assertEqual(self.complete("attach", "--timeout", "5", "", ps=table), ["17", "23"])
        self.assertIn("replace", self.complete("attach", "17", ""))
        self.assertEqual(self.complete("attach", "17", "redef"), ["redefine"])
        self.assertIn("--to", self.complete("attach", "17", "replace", "main", "-"))
        self.assertEqual(self.complete("attach", "17", "replace", "main", "--to", ""), ["baseline", "optimized"])

    def test_other_shells(self):
        for shell, check in [("zsh", ["-n"]), ("fish", ["--no-execute"])]:
            script = self.folder / shell
            script.write_text(self.printed("print", f"{shell}-completion"))
            for verb in VERBS:
                self.assertIn(verb, script.read_text())
            if shutil.which(shell):
                subprocess.run([shell, *check, script], check=True)

    def test_bad_words(self):
        ended = self.osrctl("print", "poem")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("osrctl print --help", ended.stderr)


if __name__ == "__main__":
    unittest.main()
