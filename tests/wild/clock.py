"""A clock that can be moved for some processes alone (clock.c)."""

import mmap
import os
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class Clock:
    """How many seconds later it is for the daemons than for everybody else."""

    def __init__(self, scratch):
        self.path, self.library = scratch + "/clock", scratch + "/clock.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", self.library, HERE + "/clock.c"], check=True)
        with open(self.path, "wb") as file:
            file.write(bytes(8))
        for path in (self.path, self.library):
            os.chmod(path, 0o755)

    def moves_to(self, seconds):
        """It is so much later now than it was at the beginning."""
        with open(self.path, "r+b") as file, mmap.mmap(file.fileno(), 8) as page:
            page[:] = struct.pack("=q", seconds)

    def environment(self):
        """That of a process whose clock it is."""
        return {**os.environ, "LD_PRELOAD": self.library, "MOVED_CLOCK": self.path}
