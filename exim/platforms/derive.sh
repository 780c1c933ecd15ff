# shellcheck shell=sh
# Makes Exim's files for the machine that they are on, where that is not Debian's configuration: routers, transports and retry rule
# are those of the sets, the lists, the addresses and the transports' own options (DKIM, interface, HELO) are what this Exim says of
# itself. It is asked with -bP, so macros, includes and conditions of its configuration count as Exim reads them. What is made
# lies in $own, a directory a set; `refresh` makes it again. What could not be taken over is said.
# shellcheck disable=SC2154 # set by smtp-sts-verify-exim, which reads this file

made='# Made by smtp-sts-verify-exim for this machine; "smtp-sts-verify-exim refresh" makes it again.'

# What the transports have of their own, or cannot have where a policy says which hosts and which TLS.
transports_own='driver debug_print event_action multi_domain hosts_require_tls hosts_avoid_tls hosts_verify_avoid_tls hosts_try_dane
  hosts_require_dane dane_require_tls_ciphers tls_sni tls_verify_hosts tls_try_verify_hosts tls_verify_certificates
  tls_verify_cert_hostnames tls_alpn hosts hosts_override hosts_randomize fallback_hosts gethostbyname protocol port lmtp_ignore_quota'
# The same of the router that takes the place of the platform's.
routers_own='driver debug_print transport domains condition address_data more verify_sender dnssec_request_domains
  dnssec_require_domains ignore_target_hosts same_domain_copy_routing fallback_hosts unseen pass_router redirect_router retry_use_local_part'

# What Exim says of the configuration $read_from: the one without our lines, or the copy that would take its place. It is asked once.
ask() {
  asked=$(printf '%s' "$scratch/asked-${read_from##*/}-$*" | tr ' ' '-')
  [ -e "$asked" ] || "$exim_command" -C "$read_from" -bP "$@" >"$asked" 2>/dev/null
  cat "$asked"
}

# value OPTION: of lines as driver_options prints them.
value() { sed -n "s/^$1 = //p"; }

# driver_options KIND NAME DRIVER: the options of a router or transport that are not Exim's defaults, in Exim's order.
driver_options() {
  printf 'begin transports\nbare:\n  driver = smtp\nbegin routers\nbare:\n  driver = dnslookup\n  transport = bare\n' >"$scratch/bare.conf"
  (read_from=$scratch/bare.conf && ask "$1" bare) >"$scratch/bare"
  ask "$1" "$2" >"$scratch/own" || return
  awk '
    function name(line) { sub(/ = .*| =$/, "", line); sub(/^no_/, "", line); return line }
    FNR == NR { bare[++last] = $0; known[last] = name($0); next }
    at < last && name($0) == known[at + 1] { own[++at] = $0; next }
    { own[at] = own[at] "\\n" $0 } # a value of several lines
    END { for (at = 1; at <= last; at++) if (own[at] != bare[at]) print own[at] }
  ' "$scratch/bare" "$scratch/own"
}

# Options as a configuration has them: only what begins with a quote, or ends with a backslash, has to be quoted. Exim prints several
# headers to be added as one value; it would take that for one header.
as_configuration() {
  awk '{
    at = index($0, " = ")
    if (!at) { print "  " $0; next }
    option = substr($0, 1, at - 1); text = substr($0, at + 3)
    if (option == "headers_add") while (match(text, /\\n([A-Za-z0-9-]+:|[$][{])/)) {
      print "  headers_add = " substr(text, 1, RSTART - 1)
      text = substr(text, RSTART + 2)
    }
    if (text ~ /^"/ || text ~ /\\$/) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); text = "\"" text "\"" }
    print "  " option " = " text
  }'
}

# without NAMES, only NAMES: options that are not, or are, among the names.
without() { pick 0 "$1"; }
only() { pick 1 "$1"; }
pick() {
  awk -v want="$1" -v names="$(printf '%s' "$2" | tr '\n' ' ')" '
    BEGIN { split(names, list); for (at in list) is[list[at]] = 1 }
    { option = $1; sub(/^no_/, "", option); if ((option in is) == want) print }'
}

# The routers that look up MX hosts, but for ours, each with its transport, in their order; those for verification alone are left out.
mx_routers() {
  ask router_list | while read -r router; do
    case $router in smtp_sts_*) continue ;; esac
    driver_options router "$router" >"$scratch/router" || continue
    ask router "$router" | grep -qx 'driver = dnslookup' || continue
    ! grep -qx verify_only "$scratch/router" || continue
    printf '%s %s\n' "$router" "$(value transport <"$scratch/router")"
  done
}

# read_platform: what the rest is made from. Sets $routers and $transports; the last of each stands for "otherwise".
read_platform() {
  routers=$(mx_routers)
  [ -n "$routers" ] || fail "no router of this configuration looks up MX hosts (driver = dnslookup): there is nothing to hold to a policy"
  for transport in $(printf '%s\n' "$routers" | cut -d ' ' -f 2-); do
    case $transport in *[!A-Za-z0-9_-]*) fail "a dnslookup router chooses its transport by an expansion ($transport); put the files in by hand" ;; esac
    ask transport "$transport" | grep -qx 'driver = smtp' || fail "the transport $transport is not of SMTP"
  done
  transports=$(printf '%s\n' "$routers" | awk '{ last[$2] = NR } END { for (name in last) print last[name], name }' | sort -n | cut -d ' ' -f 2)
  ordinary=$(printf '%s\n' "$transports" | tail -n 1)
}

condition_of() { driver_options router "$1" | value condition; }

# by_router NAME-OF-A-FUNCTION: an expansion that says of each message what the function prints for the router that would take it.
by_router() {
  printf '%s\n' "$routers" | awk '{ line[NR] = $0 } END { while (NR) print line[NR--] }' | {
    read -r router transport
    text=$("$1" "$transport")
    while read -r router transport; do
      condition=$(condition_of "$router")
      if [ -z "$condition" ]; then text=$("$1" "$transport"); else text="\${if bool_lax{$condition}{$("$1" "$transport")}{$text}}"; fi
    done
    printf '%s\n' "$text"
  }
}
itself() { echo "$1"; }
ending() { [ "$1" = "$ordinary" ] || echo "_$1"; }
is_one() { [ "$(printf '%s\n' "$transports" | wc -l)" -eq 1 ]; }

# What has to hold for any of the routers to take a message; nothing if one takes all.
gate() {
  printf '%s\n' "$routers" | {
    gate=
    while read -r router transport; do
      condition=$(condition_of "$router")
      [ -n "$condition" ] || { gate= && break; }
      gate="$gate{bool_lax{$condition}}"
    done
    [ -z "$gate" ] || echo "\${if or{$gate}}"
  }
}

# A list of hosts, in whatever way it is separated, as one that goes on with semicolons.
with_semicolons() {
  awk '{
    separator = ":"
    if (match($0, /^<[^A-Za-z0-9 ] */)) { separator = substr($0, 2, 1); $0 = substr($0, RLENGTH + 1) }
    if (separator != ";" && index($0, ";")) exit 1
    if (separator == ":") gsub(/::/, "\001")
    if (separator != ";") { many = split($0, item, separator == "|" ? "[|]" : "[" separator "]") } else { print "<; " $0; exit }
    text = "<;"
    for (at = 1; at <= many; at++) { gsub(/\001/, ":", item[at]); gsub(/^ +| +$/, "", item[at]); if (item[at] != "") text = text (at > 1 ? " ;" : "") " " item[at] }
    print text
  }'
}

setting() { printf '.ifndef %s\n%s = %s\n.endif\n' "$1" "$1" "$2"; }

# Settings of the enforcing set as they are on this machine; who has defined one of the macros before is asked first.
settings_of_the_platform() {
  printf '%s\n# What this machine has in the place of what Debian has.\n' "$made"
  last=$(printf '%s\n' "$routers" | tail -n 1 | cut -d ' ' -f 1)
  driver_options router "$last" >"$scratch/last"
  domains=$(value domains <"$scratch/last")
  for list in ${relay_domains:-relay_to_domains relay_domains}; do
    ask "+$list" | grep -q '^domainlist ' || continue
    case $domains in
      *"+$list"*) ;;
      '! +local_domains' | '!+local_domains') domains="! +local_domains : ! +$list" ;;
      '<'*) say "$list is asked about, too: the domains of the router $last are separated in a way of their own ($domains)." >&2 ;;
      *) domains="! +$list${domains:+ : $domains}" ;;
    esac
    break
  done
  setting SMTP_STS_DOMAINS "${domains:-*}"
  ignored=$(value ignore_target_hosts <"$scratch/last")
  if [ -n "$ignored" ]; then
    if list=$(printf '%s\n' "$ignored" | with_semicolons); then
      setting SMTP_STS_IGNORE_ADDRESSES "$list"
    else
      say "The addresses that the router $last ignores could not be taken over; instead, private ones are: ignore_target_hosts = $ignored" >&2
    fi
  fi
  setting SMTP_STS_ORDINARY_TRANSPORT "$(by_router itself)"
  is_one || setting SMTP_STS_TRANSPORTS_ENDING "$(by_router ending)"
  [ -z "${program:-}" ] || setting SMTP_STS_PROGRAM "$program"
  [ -z "${state:-}" ] || setting SMTP_STS_CACHE "$state/cache.db"
  [ -z "${socket:-}" ] || setting SMTP_STS_SOCKET "$socket"
}

# The routers of the set. Where the platform signs by the name of the transport, ours have names for each of its transports.
routers_of_the_platform() {
  last=$(printf '%s\n' "$routers" | tail -n 1 | cut -d ' ' -f 1)
  {
    gate=$(gate)
    [ -z "$gate" ] || echo "condition = $gate"
    driver_options router "$last" | without "$routers_own"
  } | as_configuration >"$scratch/taken-over"
  echo "$made"
  awk -v taken="$scratch/taken-over" -v several="$(is_one || echo yes)" '
    /^[a-z_]+:/ { permitted = /^smtp_sts_permitted:/ }
    several && !/^#/ && !/^[a-z_]+:/ { while (match($0, /[={]smtp_sts_(encrypt|webpki|dane)[ }]/)) \
      $0 = substr($0, 1, RSTART + RLENGTH - 2) "SMTP_STS_TRANSPORTS_ENDING" substr($0, RSTART + RLENGTH - 1) }
    { print }
    permitted && /^  condition = / { while ((getline line <taken) > 0) print line }
  ' "$1"
  [ "$continues" = yes ] || told_router "$last"
  tell_router_differences "$last" >&2
}

# Mail to domains whose policy demands nothing now (tested only, or trusted on first use and not yet met) goes by the platform's own
# transport, which cannot be told to tell the daemon of its sessions. So it goes by a copy that does, if the daemon has answered; this router declines
# where the platform's own would find no host, and that one has the last word.
told_router() {
  cat <<ROUTER

smtp_sts_told:
  debug_print = "R: smtp_sts_told for \$local_part@\$domain"
  driver = dnslookup
  domains = SMTP_STS_DOMAINS
  no_verify_sender
  condition = \${if and{{SMTP_STS_ASKS_NOTHING}{match{\$address_data}{ asked=daemon }}{!match{\$address_data}{ policy=(none|override) }}}}
$(cat "$scratch/taken-over")
  transport = $(by_router told)
  same_domain_copy_routing = yes
$(driver_options router "$1" | only 'ignore_target_hosts dnssec_request_domains dnssec_require_domains' | as_configuration)
ROUTER
}
told() { echo "smtp_sts_told$(ending "$1")"; }

tell_router_differences() {
  driver_options router "$1" | only 'address_data fallback_hosts' | sed "s/^/Not taken over from the router $1: /"
  carried=$(driver_options router "$1" | without "$routers_own")
  printf '%s\n' "$routers" | while read -r router transport; do
    [ "$(driver_options router "$router" | without "$routers_own")" = "$carried" ] ||
      say "The routers $router and $1 differ in more than their condition and transport; mail under a policy goes as by $1."
  done
}

# The transports of the set for each of the platform's: the part that copies Debian's remote_smtp, from the first option of a
# macro of Debian's to the end of the transport, is the options of the platform's own.
transports_of_the_platform() {
  echo "$made"
  for transport in $transports; do
    driver_options transport "$transport" >"$scratch/transport" || return
    without "$transports_own" <"$scratch/transport" | as_configuration >"$scratch/taken-over"
    if ! grep -q '^  dkim_\(domain\|private_key\) = .' "$scratch/taken-over"; then
      printf '.ifdef _HAVE_DKIM\n  dkim_domain = unsigned.invalid\n.endif\n' >>"$scratch/taken-over"
    fi
    only "$transports_own" <"$scratch/transport" | grep -v '^driver\|^debug_print\|^event_action = .*{inlist{[$]event_name}{' |
      sed "s/^/Not taken over from the transport $transport: /" >&2 || true
    printf '\n# With the options of %s.\n' "$transport"
    awk -v taken="$scratch/taken-over" -v ending="$(ending "$transport")" '
      /^smtp_sts_[a-z]+:/ { sub(/:/, ending ":"); delete has }
      /^  debug_print = / { sub(/smtp_sts_[a-z]+/, "&" ending) }
      !copied && /^  [a-z_]+ = / { has[$1] = 1 }
      /^\.ifdef REMOTE_SMTP_HEADERS_REWRITE$/ {
        copied = 1
        while ((getline line <taken) > 0) { split(line, word); if (!(word[1] in has)) print line }
        close(taken)
      }
      /^$/ { copied = 0 }
      !copied { print }
    ' "$1"
    [ "$continues" = yes ] || told_transport "$transport"
  done
}

# The platform's own, with its own TLS options, that tells the daemon of its sessions.
told_transport() {
  cat <<TRANSPORT

smtp_sts_told$(ending "$1"):
  driver = smtp
.ifdef _HAVE_EVENT
  event_action = SMTP_STS_TELL
.endif
$(without 'driver event_action' <"$scratch/transport" | as_configuration)
TRANSPORT
}

# compose SET DIRECTORY: writes its files there.
compose() {
  mkdir -p "$2" || return
  find "$sets/$1" -mindepth 2 -type f >"$scratch/files"
  while read -r file; do
    case $1/${file#"$sets/$1/"} in
      enforce/main/*) { settings_of_the_platform && cat "$file"; } >"$2/main" ;;
      enforce/router/*) routers_of_the_platform "$file" >"$2/router" ;;
      enforce/transport/31_*) transports_of_the_platform "$file" >"$2/transport" ;;
      enforce/transport/30_* | header/transport/30_*) { echo "$made" && cat "$file"; } >"$2/continued" ;;
      enforce/retry/*) { echo "$made" && cat "$file"; } >"$2/retry" ;;
      header/main/*) { echo "$made" && cat "$file"; } >"$2/main" ;;
      *) fail "nobody said where $file stands in a configuration that is not Debian's" ;;
    esac || return
  done <"$scratch/files"
}

# proven COPY: whether each transport of ours in it has, by Exim's word, the options of the platform's from which it was made.
proven() {
  for transport in $transports; do
    driver_options transport "$transport" | comparable >"$scratch/theirs"
    for kind in encrypt webpki dane; do
      name=smtp_sts_$kind$(ending "$transport")
      (read_from=$1 && driver_options transport "$name") | comparable >"$scratch/ours"
      diff "$scratch/theirs" "$scratch/ours" >"$scratch/difference" || {
        say "The transport $name would not have the options of $transport:" && cat "$scratch/difference"
        return 1
      } >&2
    done
  done
}
# DANE has ciphers of its own, and who signs for nobody is no option of the platform's.
comparable() { without "$transports_own tls_require_ciphers" | grep -v '^dkim_domain = unsigned.invalid$' || true; }
