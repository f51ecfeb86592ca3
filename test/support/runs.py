"""How the drivers of whole programs run things."""
import resource
import subprocess

SAMPLES, SAMPLE_SECONDS = 8, 0.03  # of one run's mappings, and how far apart


def shell_status(returncode):
    return returncode if returncode >= 0 else 128 - returncode


def within_processor_seconds(command, seconds):
    """The command, ended by a signal when it has used so much: busy machines do not make that sooner."""
    return ["prlimit", f"--cpu={seconds}", "--", *command]


def run(command, timeout):
    """(stdout, status, stderr); death by signal counts as 128+n, as a shell would say."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return b"", "timeout", b""
    return done.stdout, shell_status(done.returncode), done.stderr


def code_mappings(pid):
    """How many mappings of generated code a process has, and the lines of those that are writable and executable."""
    code, both = 0, []
    try:
        with open(f"/proc/{pid}/maps") as maps:
            for line in maps:
                permissions = line.split()[1]
                code += permissions == "r-xs"  # executable and shared: nothing else in a process is
                if "w" in permissions and "x" in permissions:
                    both.append(line.rstrip())
    except OSError:
        pass  # it has ended
    return code, both


def run_watched(command, timeout):
    """Like run(), and looks at the process's mappings meanwhile. Also returns the number of looks that saw generated
    code, and the mappings that were writable and executable at once."""
    looks, both, waited = 0, [], 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while True:
            patience = SAMPLE_SECONDS if waited < SAMPLES else timeout
            try:
                output, errors = process.communicate(timeout=patience)
                break
            except subprocess.TimeoutExpired:
                if waited >= SAMPLES:
                    process.kill()
                    process.communicate()
                    return (b"", "timeout", b""), looks, both
                waited += 1
                code, found = code_mappings(process.pid)
                looks += code > 0
                both += found
    return (output, shell_status(process.returncode), errors), looks, both


def has_text(path):
    """A run that a signal ended leaves its statistics empty."""
    return path.exists() and path.stat().st_size != 0


def processor_seconds():
    """What all that was run so far took, whatever else the machine did."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return f"{used.ru_utime + used.ru_stime:.0f} s of processor time"
