# shellcheck shell=sh
# Exim's configuration in one file that Exim reads as it is: Enterprise Linux, Fedora and Alpine (/etc/exim/exim.conf), FreeBSD
# (/usr/local/etc/exim/configure), and Exim as its authors release it.
# shellcheck disable=SC2034,SC2154 # shared with smtp-sts-verify-exim and sections.sh
base=$configuration
edited=$base
spreads=yes
