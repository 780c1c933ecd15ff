# /etc/cron.d/smtp-sts-verify, for machines without systemd: what systemd/smtp-sts-verify-probe.timer does.
17 * * * * prometheus /usr/bin/smtp-sts-verify probe --format prometheus --output /var/lib/prometheus/node-exporter/smtp-sts-verify.prom example.org example.net
