"""Debian's Postfix, set up as exim/postfix.md says, as the laboratory of reports uses it."""

import time

import postfix

# Below the queue directory, where smtp(8) sees it in its chroot.
BELOW = "smtp-sts-verify/tlsrpt.sock"


class Postfix:
    """It tells the daemon of sessions by datagrams, and takes reports by a sendmail command of its own root."""

    kind, listens, group = "postfix", ["--postfix=127.0.0.1:8461"], "postfix"

    def __init__(self, lab, place):
        postfix.shell(f"install -m 0755 {lab.program} /usr/bin/smtp-sts-verify")
        postfix.shell("getent passwd Debian-exim >/dev/null || useradd --system --user-group Debian-exim")
        postfix.shell("install -d -o Debian-exim -g Debian-exim -m 0750 /var/lib/smtp-sts-verify")
        self.postfix = postfix.Postfix(place, lab.scratch)
        spool = self.postfix.path("/var/spool/postfix")
        postfix.shell(f"install -d -o Debian-exim -g postfix -m 0755 {spool}/smtp-sts-verify")
        self.configuration = f'[serve]\ntlsrpt = "{spool}/{BELOW}"\npostfix_untrusted = true\n'
        self.postfix.shell(postfix.readme("main.cf"))
        for setting in ("smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:policy-tlsrpt", "smtp_tls_loglevel = summary, untrusted",
                        "smtp_tlsrpt_enable = yes", f"smtp_tlsrpt_socket_name = {BELOW}"):
            self.postfix.set(setting)
        self.postfix.start()
        self.words = "Postfix " + self.postfix.version
        # Exim's user may not enter a root of its own: a helper that runs as root takes what he hands over.
        self.sendmail = ["/usr/sbin/sendmail", "-oi"]
        if self.postfix.root:
            self._sendmail_of_its_root()

    def _sendmail_of_its_root(self):
        """This machine's sendmail command is that of Postfix's root; only root may enter it, by a set-uid program."""
        with open("/var/tmp/sendmail.c", "w") as file:
            file.write('#include <unistd.h>\nint main(int n, char **words) { (void)n; if (setuid(0) || chroot("%s") || chdir("/")) return 75;\n'
                       'execv("/usr/sbin/sendmail", words); return 75; }\n' % self.postfix.root)
        postfix.shell("rm -f /usr/sbin/sendmail && cc -o /usr/sbin/sendmail /var/tmp/sendmail.c && chmod 4755 /usr/sbin/sendmail")

    def deliver(self, recipient):
        """One message, and one attempt at it."""
        self.postfix.deliver(recipient)

    def settle(self):
        """The queue is empty, or nothing moves in it any more."""
        end = time.monotonic() + 60
        while "is empty" not in self.postfix.shell("postqueue -p || true"):
            assert time.monotonic() < end, self.postfix.shell("postqueue -p")
            time.sleep(0.1)
