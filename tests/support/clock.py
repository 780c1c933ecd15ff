"""A clock that can be moved for some processes alone (clock.c)."""

import os
import struct
import subprocess

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")


class Clock:
    """How many seconds later it is for some processes than for everybody else."""

    def __init__(self, directory):
        self.path, self.library = os.path.join(directory, "clock"), os.path.join(directory, "clock.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", self.library, SOURCE], check=True)
        self.set(0)
        for path in (self.path, self.library):
            os.chmod(path, 0o755)

    def set(self, seconds):
        """It is so much later now than it is for everybody else. Processes have the file in their memory, so it stays the same one."""
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("=q", seconds))

    def environment(self):
        """What a process needs whose clock it is."""
        return {"LD_PRELOAD": self.library, "MOVED_CLOCK": self.path}
