"""Takes away from this process what code cells must not have. Each layer is used where the system has it.

Linux, as root or with unprivileged user namespaces: own mount, network, process and IPC namespaces. Every mount is
read-only but the scratch folder and a small private /dev/shm; there is no network device; processes outside are not
visible to signals, and ending the first process of the namespace ends all of them. As root the worker also becomes
a user of its own that keeps only the right to read files.
Linux with Landlock (5.13), namespaces or not: writing only beneath the scratch folder; from 6.7 no TCP; from 6.12 no
signals to processes outside.
Linux on x86-64 and ARM, always: a seccomp filter without sockets but those between local processes, without io_uring,
tracing of other processes, new namespaces and mounts.
Elsewhere: resource limits, and a Python audit hook that refuses writing outside the scratch folder, sockets, signals to
others and new programs. The hook keeps honest code honest; it does not hold against native code.

Reading files is never restricted. `enter` returns the names of the layers that are in force.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import sys
import time
from collections.abc import Callable

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
AT_RECURSIVE, AT_FDCWD = 0x8000, -100
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_RULE, LANDLOCK_RESTRICT, CAPSET = 442, 444, 445, 446, 126
"""System call numbers; those from 424 on are the same on every architecture, CAPSET is that of x86-64."""
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 8, 22, 36, 38
SECCOMP_FILTER, PR_CAP_AMBIENT, AMBIENT_RAISE = 2, 47, 2
CAP_DAC_READ_SEARCH = 2
ACCELERATORS = ("/dev/nvidia*", "/dev/kfd", "/dev/dri")
MOST_OPENED = 5000
FIRST_USER, USERS = 61184, 4000
"""User identities that systemd keeps for services without accounts."""


def die_with_parent(parent: int) -> None:
    """Linux: end this process when the thread that started it ends."""
    if sys.platform != "linux":
        return
    _libc().prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
    if parent and os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Linux: descendants whose parent ends become children of this process, so that none gets away."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children() -> None:
    """End every remaining child, with those it leaves behind, for a second at most."""
    ends = time.monotonic() + 1
    while time.monotonic() < ends:
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                children = [int(n) for n in file.read().split()]
        except (OSError, ValueError):
            return
        for child in children:
            with contextlib.suppress(OSError):
                os.kill(child, 9)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.005)
        except ChildProcessError:
            return


class Started:
    """Processes that cells have started and that have not ended."""

    def __init__(self) -> None:
        self.known: set[int] = set()

    def settle(self, seconds: float = 0.5) -> None:
        """Linux: wait a moment for those of the last cell that are about to end, so that no other cell answers for
        them. Those that stay are not waited for again."""
        ends = time.monotonic() + seconds
        while (running := _running_beside()) - self.known and time.monotonic() < ends:
            time.sleep(0.005)
        self.known = running


def _running_beside() -> set[int]:
    """Children of this process and, beside it, of its parent, who adopts what they leave behind."""
    own, parent = os.getpid(), os.getppid()
    found: set[int] = set()
    for pid in {own, parent} - {0, 1} | {own}:
        with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/task/{pid}/children") as file:
            found |= {int(n) for n in file.read().split()}
    return {pid for pid in found - {own} if _lives(pid)}


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def isolate(scratch: str) -> tuple[str, ...]:
    """Enter own namespaces. A child forked afterwards is the first process of the new process namespace."""
    if sys.platform != "linux":
        return ()
    libc = _libc()
    spaces = NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET
    user, group = os.geteuid(), os.getegid()
    if user != 0 or libc.unshare(spaces) != 0:
        if libc.unshare(spaces | NEWUSER) != 0:
            return ()
        try:
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", f"{user} {user} 1"),
                ("gid_map", f"{group} {group} 1"),
            ):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
        except OSError:
            pass
    return ("processes", "network", *(("read-only mounts",) if _mount_read_only(libc, scratch) else ()))


def confine(scratch: str, user: int, sockets: bool = False) -> tuple[str, ...]:
    """The layers for the process that runs the cells; nothing can be undone afterwards. `user`: whom root becomes;
    `sockets`: whether sockets may be made, though they reach nothing (a Jupyter kernel makes some)."""
    found: list[str] = []
    if sys.platform == "linux":
        libc = _libc()
        own = os.geteuid() == 0 and _become_nobody(libc, user, scratch)
        found += ["own user"] if own else []
        _set_capabilities(libc, 1 << CAP_DAC_READ_SEARCH if own else 0)
        if own:  # programs that the cells start may read what the cells may
            libc.prctl(PR_CAP_AMBIENT, AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if version := _landlock(libc, scratch):
            found += ["landlock", "signals"] if version >= 6 else ["landlock"]
        if _filter_calls(libc, sockets):
            found.append("seccomp")
        libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
    return tuple(found)


def limit(seconds: float, memory: int, processes: int, file: int) -> None:
    """Resource limits of this process and its children. Address space is generous: libraries reserve much of it."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": file,
        "RLIMIT_AS": memory + (48 << 30),
        "RLIMIT_CPU": int(seconds * 16) + 10,
        "RLIMIT_NOFILE": 512,
        "RLIMIT_NPROC": processes * 4 + 64,  # counts threads as well
    }
    for name, value in wanted.items():
        if name == "RLIMIT_NPROC" and os.geteuid() != 0 and not _alone():
            continue  # it would count every process of the user
        if name == "RLIMIT_AS" and accelerators():
            continue  # their drivers map all memory there is; what is really used is watched
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def _alone() -> bool:
    """Whether this process has a user identity or a process namespace of its own."""
    return os.getpid() == 1 or FIRST_USER <= os.geteuid() < FIRST_USER + USERS


def watch(scratch: str, contained: bool, opened: set[str]) -> None:
    """Add the audit hook. `contained`: the system itself confines the worker, so new programs are allowed. What is
    read is noted in `opened`."""
    sys.addaudithook(_hook(os.path.realpath(scratch), contained, opened))


def _hook(scratch: str, contained: bool, opened: set[str]) -> Callable[[str, tuple[object, ...]], None]:
    realpath, sep, getpid, cwd = os.path.realpath, os.sep, os.getpid, os.getcwd
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    free = ("/dev/null", "/dev/zero", "/dev/tty", "/dev/shm", scratch)
    places = {  # audit events with the positions of paths and of folder descriptors among their arguments
        "os.remove": ((0, 1),),
        "os.rmdir": ((0, 1),),
        "os.mkdir": ((0, 2),),
        "os.rename": ((0, 2), (1, 3)),
        "os.link": ((1, 3),),
        "os.symlink": ((1, 2),),
        "os.chmod": ((0, 2),),
        "os.chown": ((0, 3),),
        "os.truncate": ((0, -1),),
        "os.utime": ((0, 3),),
        "shutil.rmtree": ((0, -1),),
    }
    programs = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn")

    def allowed(path: object, folder: object = -1) -> bool:
        if isinstance(path, int):
            return True
        name = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
        if isinstance(folder, int) and folder >= 0 and not name.startswith(sep):
            name = f"/proc/self/fd/{folder}/{name}"
        head, tail = os.path.split(name.rstrip(sep))
        whole = realpath(head or ".") + sep + tail
        return any(whole == place or whole.startswith(place + sep) for place in free)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & writing and not isinstance(path, int):
                if not allowed(realpath(os.fsdecode(path)) if isinstance(path, (str, bytes)) else path):
                    raise PermissionError("code cells may write only inside their scratch folder")
            elif isinstance(path, str) and len(opened) < MOST_OPENED:
                opened.add(path if path.startswith(sep) else cwd() + sep + path)
        elif event in places:
            for at, folder in places[event]:
                where = arguments[folder] if 0 <= folder < len(arguments) else -1
                if at < len(arguments) and not allowed(arguments[at], where):
                    raise PermissionError("code cells may change files only inside their scratch folder")
        elif event == "socket.connect" and isinstance(arguments[-1], (str, bytes)):
            name = os.fsdecode(arguments[-1])
            if name and not name.startswith("\0") and not allowed(realpath(name)):
                raise PermissionError("code cells may not speak to other programs")
        elif event in ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
            address = arguments[-1] if event in ("socket.connect", "socket.bind") else None
            if not isinstance(address, (str, bytes)):
                raise PermissionError("code cells have no network")
        elif event == "os.kill" and not contained and arguments[0] != getpid():
            raise PermissionError("code cells may not send signals to other processes")
        elif event in programs and not contained:
            raise PermissionError("code cells may not start programs on this system")

    return hook


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace")]


def _mount_read_only(libc: ctypes.CDLL, scratch: str) -> bool:
    """Make every mount but the scratch folder read-only; False where the system does not let us."""
    where = os.fsencode(scratch)

    def set_attributes(path: bytes, flags: int, wanted: _MountAttr) -> bool:
        return libc.syscall(MOUNT_SETATTR, AT_FDCWD, path, flags, ctypes.byref(wanted), ctypes.sizeof(wanted)) == 0

    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        return False
    if libc.mount(where, where, None, MS_BIND, None) != 0:
        return False
    if not set_attributes(b"/", AT_RECURSIVE, _MountAttr(set=1)):
        return False
    if not set_attributes(where, 0, _MountAttr(clear=1)):
        return False
    libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", MS_NOSUID | MS_NODEV, b"size=256m,mode=1777")
    os.chdir(scratch)  # through the new mount
    return True


def _become_nobody(libc: ctypes.CDLL, user: int, scratch: str) -> bool:
    """Root becomes a user of its own, who owns the scratch folder."""
    try:
        os.chown(scratch, user, user)
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError:
        return False
    return True


def _set_capabilities(libc: ctypes.CDLL, kept: int) -> bool:
    """Keep these capabilities, drop all others."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0)
    return hasattr(libc, "capset") and libc.capset(header, data) == 0


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scoped")]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def accelerators() -> list[str]:
    """Device files of graphics processors: NVIDIA's, AMD's."""
    return sorted(path for pattern in ACCELERATORS for path in glob.glob(pattern))


def _landlock(libc: ctypes.CDLL, scratch: str) -> int:
    """Forbid writing outside the scratch folder (bits of linux/landlock.h, by version of the interface, which is given
    back; 0 if the system has none)."""
    version = libc.syscall(LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return 0
    write = (1 << 1) | sum(1 << bit for bit in range(4, 13))
    write |= (1 << 13 if version >= 2 else 0) | (1 << 14 if version >= 3 else 0)
    rules = _Ruleset(write, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = libc.syscall(LANDLOCK_CREATE, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return 0
    try:
        places = {scratch: write, "/dev/shm": write} | dict.fromkeys(
            ("/dev/null", "/dev/zero", *accelerators()), 1 << 1
        )
        for path, access in places.items():
            try:
                folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            beneath = _Beneath(access if os.path.isdir(path) else access & (1 << 1), folder)
            libc.syscall(LANDLOCK_RULE, ruleset, 1, ctypes.byref(beneath), 0)
            os.close(folder)
        return int(version) if libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


CALLS = {  # numbers of socket, then of what is refused outright: ptrace, process_vm_*, bpf, unshare, setns, mount, ...
    "x86_64": (
        0xC000003E,
        41,
        (101, 310, 311, 321, 272, 308, 165, 166, 298, 250, 248, 323, 246, 425, 428, 429, 430, 442),
    ),
    "aarch64": (
        0xC00000B7,
        198,
        (117, 270, 271, 280, 97, 268, 40, 39, 241, 219, 217, 282, 104, 425, 428, 429, 430, 442),
    ),
}
REFUSE, ALLOW = 0x50000 | 13, 0x7FFF0000
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
AF_UNIX, X32, NEVER = 1, 0x40000000, 2**32 - 1


class _Step(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step))]


def _filter_calls(libc: ctypes.CDLL, sockets: bool) -> bool:
    """Refuse sockets that reach other machines (unless `sockets`), and ways around the other layers."""
    known = CALLS.get(os.uname().machine)
    if known is None or sys.maxsize < 2**32:
        return False
    architecture, socket, refused = known
    tests = [(AT_LEAST, X32), *((EQUAL, number) for number in refused)]
    steps = [
        (LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, REFUSE), (LOAD, 0, 0, 0),
        *((code, len(tests) - at + 2, 0, value) for at, (code, value) in enumerate(tests)),  # to the refusal below
        (EQUAL, 0, 3, NEVER if sockets else socket), (LOAD, 0, 0, 16), (EQUAL, 1, 0, AF_UNIX), (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    array = (_Step * len(steps))(*(_Step(*step) for step in steps))
    program = _Program(len(steps), array)
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_FILTER, ctypes.byref(program), 0, 0) == 0)
