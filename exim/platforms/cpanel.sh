# shellcheck shell=sh
# cPanel & WHM: /scripts/buildeximconf makes /etc/exim.conf, with what stands in the sections of /etc/exim.conf.local, which is kept
# over rebuilds and upgrades. Our routers stand behind the counters of mail (POSTMAILCOUNT), so that hourly limits count all. Into
# the transports of the panel nothing can be put that lasts.
# shellcheck disable=SC2034,SC2154 # shared with smtp-sts-verify-exim and sections.sh
edited=/etc/exim.conf.local
continues=no

places() {
  case $1 in enforce | reports) ;; *) return 0 ;; esac
  place after any @POSTMAILCOUNT@ ".include $3/$1/main"
  place after any @POSTMAILCOUNT@ ".include $3/$1/router"
  place after any @TRANSPORTSTART@ ".include $3/$1/transport"
  place after any @RETRYSTART@ ".include $3/$1/retry"
}

# prepare FILE BARE: the sections that are needed stand in BARE. One that was added, and is empty again, goes.
prepare() {
  for mark in @POSTMAILCOUNT@ @TRANSPORTSTART@ @RETRYSTART@; do
    if [ -n "$(wanted)" ] && ! has_mark "$2" "$mark"; then
      with_mark "$2" "$mark" add >"$scratch/with-mark" && cat "$scratch/with-mark" >"$2" || return
      say "$mark" >>"$own/created" || return
    elif [ -z "$(wanted)" ] && created "$mark"; then
      with_mark "$2" "$mark" drop >"$scratch/with-mark" && cat "$scratch/with-mark" >"$2" || return
    fi
  done
}

has_mark() { sed 's/[[:space:]]*$//' "$1" | grep -qxF "$2"; }
# with_mark FILE MARK add|drop
with_mark() {
  ends=yes
  [ -z "$(tail -c 1 "$1")" ] || ends=
  awk -v mark="$2" -v what="$3" -v ends="$ends" '
    { line[++last] = $0 }
    END {
      if (what == "add") line[++last] = mark
      for (at = 1; at <= last; at++) {
        if (what == "drop" && line[at] == mark && (at == last || line[at + 1] ~ /^@[A-Z]+@$/)) continue
        printf "%s%s", (some++ ? "\n" : ""), line[at]
      }
      if (some && ends) printf "\n"
    }
  ' "$1"
}

rebuild() { /usr/local/cpanel/scripts/buildeximconf; }
