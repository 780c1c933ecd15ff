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

# Options as a configuration has them: only what begins with a quote or a space, or ends with a backslash or a space, has to be quoted. Exim prints
# several headers to be added as one value; it would take that for one header. What the platform hides from its users is hidden again.
as_configuration() {
  awk -v hidden=" $(hidden)" '
    function quoted(text,    all, at, one) {
      if (text !~ /^["\t ]|[\\\t ]$/) return text
      for (at = 1; at <= length(text); at++) { one = substr(text, at, 1); all = all (one == "\\" || one == "\"" ? "\\" : "") one }
      return "\"" all "\""
    }
    {
      at = index($0, " = ")
      if (!at) { print "  " $0; next }
      option = substr($0, 1, at - 1); text = substr($0, at + 3)
      hide = index(hidden, " " option " ") ? "hide " : ""
      if (option == "headers_add") while (match(text, /\\n([A-Za-z0-9-]+:|[$][{])/)) {
        print "  " hide option " = " quoted(substr(text, 1, RSTART - 1))
        text = substr(text, RSTART + 2)
      }
      print "  " hide option " = " quoted(text)
    }'
}
hidden() { sed -n 's/^[[:space:]]*hide[[:space:]][[:space:]]*\([a-z0-9_]*\).*/\1/p' "$scratch/without.conf" | sort -u | tr '\n' ' '; }

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

# read_platform: what the rest is made from. Sets $routers, $transports, and $ordinary, which stands for "otherwise".
read_platform() {
  routers=$(mx_routers)
  [ -n "$routers" ] || fail "no router of this configuration looks up MX hosts (driver = dnslookup): there is nothing to hold to a policy"
  printf '%s\n' "$routers" | while read -r router chosen; do
    named=$(transports_in "$chosen") || exit 1
    [ -n "$named" ] || fail "the router $router chooses its transport by an expansion that names none of SMTP ($chosen); put the files in by hand"
    printf '%s\n' "$named"
  done >"$scratch/named" || exit 1
  transports=$(awk '{ last[$1] = NR } END { for (name in last) print last[name], name }' "$scratch/named" | sort -n | cut -d ' ' -f 2)
  ordinary=$(printf '%s\n' "$transports" | tail -n 1)
  common_conditions >"$scratch/common"
  find_passing_by >"$scratch/passing-by"
}
# transports_in EXPANSION: those of SMTP that a name, or an expansion of names, may choose, the one last that is chosen otherwise.
transports_in() {
  case $1 in
    *[!A-Za-z0-9_]*)
      ask transport_list | while read -r name; do
        printf '%s\n' "$1" | tr -c 'A-Za-z0-9_\n' '\n' | grep -qx "$name" || continue
        if ask transport "$name" | grep -qx 'driver = smtp'; then printf '%s %s\n' "$([ "$name" != remote_smtp ] || echo last)" "$name"; fi
      done | sort | sed 's/.* //'
      ;;
    *)
      ask transport "$1" | grep -qx 'driver = smtp' || fail "the transport $1 is not of SMTP"
      echo "$1"
      ;;
  esac
}

# conditions_of ROUTER: its conditions, a line each; Exim joins them.
conditions_of() {
  driver_options router "$1" | value condition | awk '
    # Where the brace ends that is open at the place.
    function closing(text, at,    deep, one) {
      for (; at <= length(text); at++) {
        one = substr(text, at, 1)
        if (one == "\\") at++
        else if (one == "{") deep++
        else if (one == "}" && deep-- == 0) return at
      }
      return 0
    }
    function tell(text,    joined, between, first, second, from) {
      joined = "${if and{{bool_lax{"; between = "}}{bool_lax{"; from = length(joined) + 1
      first = index(text, joined) == 1 ? closing(text, from) : 0
      if (first && substr(text, first, length(between)) == between) second = closing(text, first + length(between))
      if (!second || substr(text, second) != "}}}}") { print text; return }
      tell(substr(text, from, first - from)); tell(substr(text, first + length(between), second - first - length(between)))
    }
    { tell($0) }
  '
}
# What all routers ask is asked once: it may count (a limit of messages an hour).
common_conditions() {
  printf '%s\n' "$routers" | while read -r router _; do conditions_of "$router" | awk '!seen[$0]++'; done |
    awk -v all="$(printf '%s\n' "$routers" | wc -l)" '++seen[$0] == all'
}
# condition_of ROUTER: what it asks besides, as one condition; nothing if that is all.
condition_of() {
  conditions_of "$1" >"$scratch/conditions"
  awk 'FILENAME == ARGV[1] { common[$0]; next } !($0 in common)' "$scratch/common" "$scratch/conditions" |
    awk '{ one = $0; all = all "{bool_lax{" $0 "}}" } END { if (NR == 1) print one; else if (NR) print "${if and{" all "}}" }'
}

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
itself() { printf '%s\n' "$1"; }
# What the names of ours end in: nothing for the ordinary transport. Whatever else an expansion may come to, ours are of the ordinary one.
ending() {
  case $1 in
    "$ordinary") ;;
    *[!A-Za-z0-9_]*)
      others=$(transports_in "$1" | grep -vx "$ordinary" | paste -s -d : -)
      # shellcheck disable=SC2016 # Exim's
      [ -z "$others" ] || printf '${if inlist{%s}{%s}{_%s}}\n' "$1" "$others" "$1"
      ;;
    *) printf '_%s\n' "$1" ;;
  esac
}
is_one() { [ "$(printf '%s\n' "$transports" | wc -l)" -eq 1 ]; }

# Routers that hand on what they redirect, or pass, to one that looks up MX hosts, and so past ours: each with the option that says so, and the
# router. A router may pass on only to one behind itself.
passing_by() { cat "$scratch/passing-by"; }
find_passing_by() {
  first=$(printf '%s\n' "$routers" | sed -n '1s/ .*//p') is_before=yes
  ask router_list | while read -r router; do
    [ "$router" != "$first" ] || is_before=
    case $router in smtp_sts_*) continue ;; esac
    ask router "$router" | sed -n -e 's/^\(redirect_router\) = /\1 /p' -e "${is_before:+s/^\(pass_router\) = /\\1 /p}" | while read -r option target; do
      if printf '%s\n' "$routers" | grep -q "^$target "; then echo "$router $option $target"; fi
    done
  done
}

# What has to hold for any of the routers to take a message, a line each; nothing if one takes all.
gate() {
  cat "$scratch/common"
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

# Settings as they are on this machine; who has defined one of the macros before is asked first.
settings_of_the_platform() {
  printf '%s\n# What this machine has in the place of what Debian has.\n' "$made"
  settings_of_both SMTP_STS_DOMAINS
  setting SMTP_STS_ORDINARY_TRANSPORT "$(by_router itself)"
  avoided=$(avoided_hosts)
  [ -z "$avoided" ] || setting SMTP_STS_AVOIDS_TLS "$avoided"
  is_one || setting SMTP_STS_TRANSPORTS_ENDING "$(by_router ending)"
  [ -z "${state:-}" ] || setting SMTP_STS_CACHE "$state/cache.db"
  [ -z "${socket:-}" ] || setting SMTP_STS_SOCKET "$socket"
}
# The hosts with which the platform's transports try no TLS, which is no fault of theirs. Where they have different lists, what is handed over
# is that of the transport which tells, the platform's own or our copy. What a callout avoids besides is counted against nobody.
avoided_hosts() {
  for transport in $transports; do
    driver_options transport "$transport" >"$scratch/transport"
    printf '%s:smtp_sts_told%s\t%s\n' "$transport" "$(ending "$transport")" "$(value hosts_avoid_tls <"$scratch/transport")"
    if grep -q '^hosts_verify_avoid_tls = .' "$scratch/transport"; then echo "callouts"; fi
  done >"$scratch/avoided"
  # shellcheck disable=SC2016 # Exim's
  if grep -qx callouts "$scratch/avoided"; then printf '${if def:verify_mode{*:}}'; fi
  awk -F '\t' '
    # A regular expression that has braces, and them not between \N and \N, would end the item of Exim in which the list stands: then all hosts.
    function handed(list, rest) {
      rest = list
      while (match(rest, /\\N([^\\]|\\[^N])*\\N/)) rest = substr(rest, 1, RSTART - 1) substr(rest, RSTART + RLENGTH)
      return rest ~ /[{][0-9]+,?[0-9]*[}]/ ? "*" : list
    }
    /\t/ { name[++many] = $1; list[many] = handed(substr($0, length($1) + 2)); if (!seen[list[many]]++) different++ }
    END {
      if (different == 1) print list[1]
      else for (at = 1; at <= many; at++) if (list[at] != "") all = all "${if inlist{$transport_name}{" name[at] "}{" list[at] "}}"
      if (different != 1) print all
    }' "$scratch/avoided"
}
settings_for_reports() {
  printf '%s\n# What this machine has in the place of what Debian has.\n' "$made"
  settings_of_both SMTP_STS_REPORTS_TO
  [ -z "${reports_sender:-}" ] || setting SMTP_STS_REPORTS_SENDER "$reports_sender"
  setting SMTP_STS_REPORTS_KEY "${reports_key:-/etc/smtp-sts-verify/tlsrpt.key}"
}
# settings_of_both DOMAINS: the domains, under the name of that macro, and what the enforcing set and the one for reports have in common.
settings_of_both() {
  last=$(printf '%s\n' "$routers" | tail -n 1 | cut -d ' ' -f 1)
  driver_options router "$last" >"$scratch/last"
  domains=$(value domains <"$scratch/last")
  for list in ${relay_domains:-relay_to_domains relay_domains}; do
    ask "+$list" | grep -q '^domainlist ' || continue
    case $domains in
      *"+$list"*) ;;
      '! +local_domains' | '!+local_domains') domains="! +local_domains : ! +$list" ;;
      '<'*) tell "$list is asked about, too: the domains of the router $last are separated in a way of their own ($domains)." ;;
      *) domains="! +$list${domains:+ : $domains}" ;;
    esac
    break
  done
  setting "$1" "${domains:-*}"
  ignored=$(value ignore_target_hosts <"$scratch/last")
  if [ -n "$ignored" ]; then
    if list=$(printf '%s\n' "$ignored" | with_semicolons); then
      setting SMTP_STS_IGNORE_ADDRESSES "$list"
    else
      tell "The addresses that the router $last ignores could not be taken over; instead, private ones are: ignore_target_hosts = $ignored"
    fi
  fi
  [ -z "${program:-}" ] || setting SMTP_STS_PROGRAM "$program"
}
# What could not be taken over is said once.
tell() {
  if ! grep -qsxF "$*" "$scratch/told"; then
    say "$*" >>"$scratch/told"
    say "$*" >&2
  fi
}

# What ours take over from the platform's last router, on which all of them have to agree.
taken_over_from_routers() {
  last=$(printf '%s\n' "$routers" | tail -n 1 | cut -d ' ' -f 1)
  {
    gate | sed 's/^/condition = /'
    driver_options router "$last" | without "$routers_own"
  } | as_configuration >"$scratch/taken-over"
}

# The routers of the set. Where the platform signs by the name of the transport, ours have names for each of its transports.
routers_of_the_platform() {
  taken_over_from_routers
  echo "$made"
  awk -v taken="$scratch/taken-over" -v several="$(is_one || echo yes)" '
    /^[a-z_]+:/ { permitted = /^smtp_sts_permitted:/ }
    several && !/^#/ && !/^[a-z_]+:/ { while (match($0, /[={]smtp_sts_(encrypt|webpki|dane)[ }]/)) \
      $0 = substr($0, 1, RSTART + RLENGTH - 2) "SMTP_STS_TRANSPORTS_ENDING" substr($0, RSTART + RLENGTH - 1) }
    { print }
    permitted && /^  condition = / { while ((getline line <taken) > 0) print line }
  ' "$1"
  [ "$continues" = yes ] || told_router "$last"
  tell_router_differences "$last"
  [ "$continues" = yes ] || passing_by | while read -r router option target; do
    tell "What the router $router sends on goes past ours, straight to $target ($option): no policy is asked for."
  done
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
  driver_options router "$1" | only 'address_data fallback_hosts' | while read -r option; do tell "Not taken over from the router $1: $option"; done
  carried=$(driver_options router "$1" | without "$routers_own")
  printf '%s\n' "$routers" | while read -r router transport; do
    [ "$(driver_options router "$router" | without "$routers_own")" = "$carried" ] ||
      tell "The routers $router and $1 differ in more than their condition and transport; mail under a policy goes as by $1."
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
    only "$transports_own" <"$scratch/transport" | grep -v -e '^driver' -e '^debug_print' -e '^event_action = .*{inlist{[$]event_name}{' |
      while read -r option; do tell "Not taken over from the transport $transport: $option"; done || true
    printf '\n# With the options of %s.\n' "$transport"
    awk -v taken="$scratch/taken-over" -v ending="$(ending "$transport")" '
      /^smtp_sts_[a-z]+:/ { sub(/:/, ending ":"); delete has }
      /^  debug_print = / { sub(/smtp_sts_[a-z]+/, "&" ending) }
      !copied && /^  [a-z_]+ = / { has[$1] = 1 }
      /^\.ifdef REMOTE_SMTP_HEADERS_REWRITE$/ {
        copied = 1
        while ((getline line <taken) > 0) { option = line; sub(/^ *(hide )?/, "", option); sub(/ .*/, "", option); if (!(option in has)) print line }
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

# The set for reports: its routers with the conditions of the platform's own, which let nobody pass that ours would not; what the platform asks
# of mail (a limit, say) it asks of reports.
routers_for_reports() {
  taken_over_from_routers
  echo "$made"
  awk -v taken="$scratch/taken-over" '
    { print }
    /^  transport = smtp_sts_reports$/ {
      while ((getline line <taken) > 0) if (line !~ /^  (hide )?(no_)?(verify_recipient|verify_only|expn)( |$)/) print line
    }
  ' "$1"
}

# How the ordinary transport opens a connection: from which address, by which name, by which proxy. Not what it does to
# messages, what it signs, and what it demands of TLS.
connects_by='interface helo_data socks_proxy dscp keepalive connect_timeout command_timeout data_timeout final_timeout hosts_try_fastopen
  hosts_pipe_connect hosts_avoid_pipelining hosts_avoid_esmtp hosts_try_chunking dns_qualify_single dns_search_parents'
transports_for_reports() {
  driver_options transport "$ordinary" >"$scratch/transport" || return
  only "$connects_by" <"$scratch/transport" >"$scratch/connects"
  as_configuration <"$scratch/connects" >"$scratch/taken-over"
  for transport in $transports; do
    driver_options transport "$transport" | only "$connects_by" | cmp -s - "$scratch/connects" ||
      tell "Reports go out from the address, and by the name, of $ordinary; $transport has others."
  done
  echo "$made"
  awk -v taken="$scratch/taken-over" '
    /^\.ifdef REMOTE_SMTP_(HELO_DATA|INTERFACE)$/ {
      while ((getline line <taken) > 0) print line
      dropped = 1
    }
    !dropped { print }
    /^\.endif$/ { dropped = 0 }
  ' "$1"
}
# proven_for_reports COPY: the transport in it connects as the ordinary one does, and is signed by the key for reports alone; if there is one.
proven_for_reports() (
  read_from=$1
  ask transport_list | grep -qx smtp_sts_reports || exit 0
  driver_options transport smtp_sts_reports >"$scratch/ours"
  only "$connects_by" <"$scratch/ours" | diff "$scratch/connects" - >"$scratch/difference" || {
    say "The transport smtp_sts_reports would not connect as $ordinary does:" && cat "$scratch/difference" && exit 1
  } >&2
)

# compose SET DIRECTORY: writes its files there.
compose() {
  mkdir -p "$2" || return
  find "$sets/$1" -mindepth 2 -type f >"$scratch/files"
  while read -r file; do
    case $1/${file#"$sets/$1/"} in
      reports/main/*) { settings_for_reports && cat "$file"; } >"$2/main" ;;
      reports/router/*) routers_for_reports "$file" >"$2/router" ;;
      reports/transport/*) transports_for_reports "$file" >"$2/transport" ;;
      reports/retry/*) { echo "$made" && cat "$file"; } >"$2/retry" ;;
      enforce/main/*) { settings_of_the_platform && cat "$file"; } >"$2/main" ;;
      enforce/router/*) routers_of_the_platform "$file" >"$2/router" ;;
      enforce/transport/31_*) transports_of_the_platform "$file" >"$2/transport" ;;
      enforce/transport/30_* | header/transport/30_*) { echo "$made" && cat "$file"; } >"$2/continued" ;;
      enforce/retry/*) { echo "$made" && cat "$file"; } >"$2/retry" ;;
      header/main/*) { echo "$made" && cat "$file"; } >"$2/main" ;;
      *) fail "nobody said where $file stands in a configuration that is not Debian's" ;;
    esac || return
  done <"$scratch/files"
  if [ "$1" = enforce ] && [ "$continues" = yes ]; then
    passing_by | cut -d ' ' -f 2 | sort -u | while read -r option; do
      printf '%s\n  %s = smtp_sts_ask\n' "$made" "$option" >"$2/$option" || return
    done
  fi
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
