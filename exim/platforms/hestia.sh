# shellcheck shell=sh
# HestiaCP and Vesta: Debian's Exim with a template of the panel's own, in which Debian's marks are missing; update-exim4.conf makes Exim's
# configuration from it. An upgrade of the panel writes the template anew: then `refresh` puts the lines back.
# shellcheck disable=SC2034 # shared with smtp-sts-verify-exim and sections.sh
base=/etc/exim4/exim4.conf.template
edited=$base
spreads=yes
rebuild() { update-exim4.conf; }
