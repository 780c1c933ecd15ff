# shellcheck shell=sh
# cPanel & WHM: /scripts/buildeximconf makes /etc/exim.conf, with what stands in the sections of /etc/exim.conf.local, which is kept
# over rebuilds and upgrades. Our routers stand behind the counters of mail (POSTMAILCOUNT), so that hourly limits count all. Into
# the transports of the panel nothing can be put that lasts.
# shellcheck disable=SC2034,SC2154 # shared with smtp-sts-verify-exim and sections.sh
edited=/etc/exim.conf.local
continues=

places() {
  [ "$1" = enforce ] || return 0
  place after any @POSTMAILCOUNT@ ".include $3/$1/main"
  place after any @POSTMAILCOUNT@ ".include $3/$1/router"
  place after any @TRANSPORTSTART@ ".include $3/$1/transport"
  place after any @RETRYSTART@ ".include $3/$1/retry"
}

# prepare FILE BARE: the sections that are needed stand in BARE. One that was added, and is empty again, goes.
prepare() {
  for mark in @POSTMAILCOUNT@ @TRANSPORTSTART@ @RETRYSTART@; do
    if [ -n "$(wanted)" ] && ! grep -qxF "$mark" "$2"; then
      if [ -s "$2" ] && [ -n "$(tail -c 1 "$2")" ]; then echo >>"$2"; fi
      echo "$mark" >>"$2"
      say "$mark" >>"$own/created"
    elif [ -z "$(wanted)" ] && created "$mark"; then
      awk -v mark="$mark" '
        held && ($0 ~ /^@[A-Z]+@$/) { held = 0 }
        held { print mark; held = 0 }
        $0 == mark { held = 1; next }
        { print }
      ' "$2" >"$scratch/without-mark" && cat "$scratch/without-mark" >"$2"
    fi
  done
}

rebuild() { /usr/local/cpanel/scripts/buildeximconf; }
