"""How the drivers of whole programs run things."""
import subprocess


def run(command, timeout):
    """(stdout, status, stderr); death by signal counts as 128+n, as a shell would say."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return b"", "timeout", b""
    return done.stdout, done.returncode if done.returncode >= 0 else 128 - done.returncode, done.stderr


def has_text(path):
    """A run that a signal ended leaves its statistics empty."""
    return path.exists() and path.stat().st_size != 0
