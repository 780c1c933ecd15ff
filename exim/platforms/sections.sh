# shellcheck shell=sh
# Puts lines that include the files of derive.sh into configurations that are not Debian's, and takes them out again, octet for
# octet. What is new is tried on a copy first; if Exim refuses it in its place, all files are as they were before.
#
# A platform's file says in $edited which files get lines, and in places() which lines where; rebuild() is what the platform makes Exim's
# configuration with. As it stands here, it is one file with all sections, which Exim reads as it is.
# shellcheck disable=SC2154 # set by smtp-sts-verify-exim, which reads this file

own=/etc/smtp-sts-verify/exim
umask 022
# Exim reads on as its own user once it has read the first section, so what is included lies in $shared. All else is root's: there may be
# passwords in a configuration.
shared=$(mktemp -d) || fail 'there is no room for scratch files'
scratch=$shared/private
trap 'rm -rf "$shared"' EXIT
interruptible() { trap 'exit 1' HUP INT TERM PIPE; }
interruptible
chmod 0711 "$shared" || fail "$shared cannot be used"
mkdir -m 0700 "$scratch" || fail "$shared cannot be used"
staged=$shared/staged
taken=

# places SET FILE DIRECTORY: a line for each that FILE gets, with tabs between: before, after or instead, section, what stands there, and
# the line. The place is the beginning of the section; a router; the driver of a transport, which has to come before its other options; an
# option of a router; a line; or the end of the file. A name that stands in several branches of a condition gets the line in each.
places() { places_in_sections "$1" "$3"; }
places_in_sections() {
  if [ "$1" != header ]; then
    place before begin begin ".include $2/$1/main"
    place before routers "$(printf '%s\n' "$routers" | sed -n '1s/ .*//p')" ".include $2/$1/router"
    place after transports begin ".include $2/$1/transport"
    place after retry begin ".include $2/$1/retry"
  else
    place before begin begin ".include $2/$1/main"
  fi
  if [ "$1" = reports ] || [ "$continues" = no ]; then return 0; fi
  for transport in $transports; do place after transports "$transport" ".include $2/$1/continued"; done
  if [ "$1" = header ]; then return 0; fi
  passing_by | while read -r router option _; do place instead routers "$router $option" ".include $2/$1/$option"; done
}
place() { printf '%s\t%s\t%s\t%s\n' "$@"; }
continues=yes # whether a line that lasts can be put into the platform's own transport
spreads=      # whether what the configuration includes may get lines, too
# Lines with which an option of the platform's is left out, for ours to take its place. No macro has this name.
left_out='.ifdef SMTP_STS_VERIFY_IS_PASSED_BY'
left_out_until='.endif smtp-sts-verify'

rebuild() { :; }

# with_lines FILE PLACES [SECTION]: the file with them, where it has such a place; $found gets the lines that it had one for. SECTION is
# the one in which the file begins, if another file includes it.
with_lines() {
  ends=yes
  [ -z "$(tail -c 1 "$1")" ] || ends=
  awk -v places="$2" -v ends="$ends" -v found="$found" -v part="${3:-}" -v left_out="$left_out" -v left_out_until="$left_out_until" '
    function put(text) { out[++last] = text }
    function stripped(text) { gsub(/^[ \t]+|[ \t\r\f\v]+$/, "", text); return text }
    function section_name(text) { text = tolower(text); sub(/s$/, "", text); return text }
    function placed(where, at,    i) {
      for (i = 1; i <= many; i++)
        if (side[i] == where && anchor[i] == at && (section[i] == part || section[i] == "any" && !done[i])) { done[i] = 1; put(line[i]) }
    }
    # Settings stand before the first section, and outside of conditions.
    function settings(    i, at, moved) {
      if (begun++) return
      at = depth > 0 ? outer : last
      for (i = last; i > at; i--) moved[i] = out[i]
      moved[0] = last; last = at
      for (i = 1; i <= many; i++) if (side[i] == "before" && anchor[i] == "begin") { done[i] = 1; put(line[i]) }
      for (i = at + 1; i <= moved[0]; i++) put(moved[i])
    }
    function driven(    name) { for (name in names) placed("after", name); is_driven = 1 }
    function is_instead(    i, name, option) {
      option = bare; sub(/[ \t]*=.*/, "", option)
      for (i = 1; i <= many; i++) for (name in names)
        if (side[i] == "instead" && section[i] == part && anchor[i] == name " " option) {
          done[i] = 1; put(left_out); put($0); put(left_out_until); put(line[i])
          return 1
        }
      return 0
    }
    function has_driver(text,    file, has) {
      file = text; sub(/^\.include(_if_exists)?[ \t]+/, "", file); gsub(/^"|"$/, "", file)
      while ((getline text <file) > 0) if (stripped(text) ~ /^driver[ \t]*=/) has = 1
      close(file)
      return has
    }
    BEGIN {
      while ((getline text <places) > 0) {
        many++; split(text, f, "\t"); side[many] = f[1]; section[many] = section_name(f[2]); anchor[many] = f[3]; line[many] = f[4]
      }
      part = section_name(part); is_driven = 1
    }
    { bare = stripped($0) }
    continued {
      put($0)
      if (bare ~ /^#/ || bare ~ /^\.(ifn?def|el|endif|include)/) next
      continued = bare ~ /\\$/
      if (!continued && pending) { pending = 0; driven() }
      next
    }
    bare ~ /^#/ { put($0); next }
    { continued = bare ~ /\\$/ }
    bare ~ /^\.ifn?def([ \t]|$)/ && depth++ == 0 { outer = last }
    bare ~ /^\.endif([ \t]|$)/ { depth-- }
    tolower(bare) ~ /^begin / {
      settings()
      part = section_name(substr(bare, 7)); sub(/^[ \t]+/, "", part)
      put($0); placed("after", "begin"); split("", names); is_driven = 1; next
    }
    (part == "router" || part == "transport") && bare ~ /^[A-Za-z0-9_]+[ \t]*:$/ {
      name = bare; sub(/[ \t]*:$/, "", name)
      if (is_driven) split("", names)
      is_driven = 0; names[name] = 1
      placed("before", name); put($0); next
    }
    !is_driven && (bare ~ /^driver[ \t]*=/ || bare ~ /^\.include(_if_exists)?[ \t]/ && has_driver(bare)) {
      put($0)
      if (continued) pending = 1; else driven()
      next
    }
    bare ~ /^(redirect_router|pass_router)[ \t]*=/ && is_instead() { next }
    { put($0); placed("after", bare) }
    END {
      part = "end"; placed("after", "end")
      for (i = 1; i <= last; i++) printf "%s%s", out[i], (i < last || ends ? "\n" : "")
      for (i = 1; i <= many; i++) if (done[i]) print line[i] >>found
    }
  ' "$1"
}
# all_found PLACES...: whether $found has the line of each.
all_found() {
  cat "$@" | sort -u | {
    lacks=
    while IFS="$tab" read -r side section anchor line; do
      grep -qsxF "$line" "$found" && continue
      say "There is no place for the line \"$line\" ($side $anchor, section $section)." >&2
      lacks=yes
    done
    [ -z "$lacks" ]
  }
}
tab=$(printf '\t')
found=$scratch/found

# without_lines FILE: the file without any line of ours.
without_lines() {
  ends=yes
  [ -z "$(tail -c 1 "$1")" ] || ends=
  awk -v own=".include $own/" -v ends="$ends" -v left_out="$left_out" -v left_out_until="$left_out_until" '
    index($0, own) == 1 || $0 == left_out || $0 == left_out_until { next }
    { out[++last] = $0 }
    END { for (i = 1; i <= last; i++) printf "%s%s", out[i], (i < last || ends ? "\n" : "") }
  ' "$1"
}

# as_one_file FILE: FILE and all that it includes, each line behind the name of its file and a tab, without any line of ours.
as_one_file() {
  [ -e "$scratch/macros" ] || "$exim_command" -bP macros >"$scratch/macros" 2>/dev/null || true
  awk -v macros="$scratch/macros" -v own=".include $own/" -v left_out="$left_out" -v left_out_until="$left_out_until" -v first="$1" '
    function expanded(path,    i, at) {
      for (i = 1; i <= many && path ~ /[A-Z]/; i++)
        if (at = index(path, name[i])) path = substr(path, 1, at - 1) value[i] substr(path, at + length(name[i]))
      return path
    }
    function tell(file, deep,    text, bare, path, probe, known) {
      while ((getline text <file) > 0) {
        if (index(text, own) == 1 || text == left_out || text == left_out_until) continue
        bare = text; gsub(/^[ \t]+|[ \t\r\f\v]+$/, "", bare)
        if (bare ~ /^\.include(_if_exists)?[ \t]/ && deep < 20) {
          path = bare; sub(/^\.include(_if_exists)?[ \t]+/, "", path); gsub(/^"|"$/, "", path)
          path = expanded(path)
          known = file; sub(/[^\/]*$/, "", known)
          if (path !~ /^\//) path = known path
          if ((getline probe <path) >= 0) { close(path); tell(path, deep + 1); continue }
        }
        print file "\t" text
      }
      close(file)
    }
    BEGIN {
      while ((getline text <macros) > 0)
        if (text ~ /^[A-Z][A-Za-z0-9_]*=/) { many++; name[many] = value[many] = text; sub(/=.*/, "", name[many]); sub(/^[^=]*=/, "", value[many]) }
      tell(first, 0)
    }
  '
}
# entry_section FILE: the section of the configuration in which a file begins that is included.
entry_section() {
  awk -F "$tab" -v file="$1" '
    $1 == file { print part; exit }
    { text = tolower($2); if (sub(/^[ \t]*begin /, "", text)) { gsub(/^[ \t]+|[ \t\r\f\v]+$/, "", text); part = text } }
  ' "$scratch/one-file"
}
# Which files get lines, or have some: of those that are included, whichever has a place for one.
find_edited() {
  [ -n "$spreads" ] || return 0
  edited=$base
  as_one_file "$base" >"$scratch/one-file"
  for set in $(wanted); do places_in_sections "$set" "$own"; done >"$scratch/places"
  # shellcheck disable=SC2013 # names without spaces
  for file in $(cut -f 1 "$scratch/one-file" | awk '!seen[$0]++' | grep '^/[A-Za-z0-9/._@+,=-]*$' | grep -vxF "$base"); do
    true >"$found" || return
    without_lines "$file" >"$scratch/bare-file" && with_lines "$scratch/bare-file" "$scratch/places" "$(entry_section "$file")" >/dev/null
    if [ -s "$found" ] || grep -qF ".include $own/" "$file"; then edited="$edited $file"; fi
  done
  true >"$found" || return
}

# replace FILE NEW: in one step, with the owner and mode that it had; a link stays one.
replace() {
  if [ ! -e "$1" ]; then
    cat "$2" >"$1" && return
    rm -f "$1"
    return 1
  fi
  ! cmp -s "$1" "$2" || return 0
  real=$(readlink -f "$1") || return
  cp -p "$real" "$real.smtp-sts-verify" && cat "$2" >"$real.smtp-sts-verify" && mv -f "$real.smtp-sts-verify" "$real" && return
  rm -f "$real.smtp-sts-verify" # the disk is full, say
  return 1
}

is_enabled() { [ -d "$own/$1" ]; }

put() {
  [ "$1" != header ] || [ "$continues" = yes ] ||
    { say "the header set continues the transport of ordinary mail, into which nothing can be put that lasts on $platform" >&2 && return 1; }
  as_it_is_without_ours && compose "$1" "$staged/$1"
}

# The configuration that Exim reads, as one file, without our lines: from it the platform's own is told.
as_it_is_without_ours() {
  [ -z "${routers:-}" ] || return 0
  # What is made of a configuration that is closed to others is closed to them here, too.
  if [ -z "$(find -L "$configuration" -prune -perm -004)" ]; then
    chgrp "$(exim_group)" "$shared" && chmod 0710 "$shared" || return
  fi
  read_from=$scratch/without.conf
  secretly "$read_from"
  as_one_file "$configuration" | cut -f 2- >"$read_from" || return
  is_accepted "$read_from" || fail "Exim refuses its configuration as it is without ours (above)"
  read_platform
}

secretly() { true >"$1" && chmod 0600 "$1"; }

take() { [ ! -d "$own/$1" ] || taken="$taken $1"; }
is_taken() { case " $taken " in *" $1 "*) ;; *) return 1 ;; esac }

# The sets that are to be there in the end. Reports are routed ahead of what asks.
wanted() { for set in reports enforce header; do if [ -d "$staged/$set" ] || { [ -d "$own/$set" ] && ! is_taken "$set"; }; then echo "$set"; fi; done; }

is_accepted() {
  "$exim_command" -C "$1" -bV >"$scratch/said" 2>&1 && return
  if grep -q 'configuration error' "$scratch/said"; then
    sed -n "/configuration error/,/^Exim version/p" "$scratch/said" | sed "/^Exim version/d" >&2
  else
    tail -n 3 "$scratch/said" >&2
  fi
  return 1
}

# On a copy of what Exim reads now, as one file with sections, which panels make in the end. All sets are made from the same configuration.
try_on_a_copy() {
  for set in $(wanted); do [ -d "$staged/$set" ] || compose "$set" "$staged/$set" || return; done
  for set in $(wanted); do places_in_sections "$set" "$staged"; done >"$scratch/places"
  secretly "$scratch/copy.conf"
  true >"$found" || return
  with_lines "$read_from" "$scratch/places" >"$scratch/copy.conf" || return
  all_found "$scratch/places" || return
  is_accepted "$scratch/copy.conf" || return
  if [ -d "$staged/enforce" ]; then proven "$scratch/copy.conf" || return; fi
  if [ -d "$staged/reports" ]; then proven_for_reports "$scratch/copy.conf" || return; fi
}

remember() {
  mkdir -p "$scratch/before" || return
  for file in $edited; do [ ! -e "$file" ] || cp -p "$file" "$scratch/before/$(echo "$file" | tr / %)" || return; done
  if [ -d "$own" ]; then cp -Rp "$own" "$scratch/before/own"; fi
}
restore() {
  is_whole=yes
  # What is included is there before the lines that include it.
  if [ -d "$scratch/before/own" ]; then
    rm -rf "$own.before"
    if cp -Rp "$scratch/before/own" "$own.before"; then { rm -rf "$own" && mv "$own.before" "$own"; } || is_whole=; else is_whole=; fi
  fi
  for file in $edited; do
    before=$scratch/before/$(echo "$file" | tr / %)
    if [ ! -e "$before" ]; then rm -f "$file"; else replace "$file" "$before" || is_whole=; fi
  done
  [ -d "$scratch/before/own" ] || rm -rf "$own"
  if [ -z "$is_whole" ]; then
    trap - EXIT
    say "Not all files could be put back; as they were before they lie in $scratch/before." >&2
  fi
}

revoke() { :; } # take_effect leaves nothing behind that Exim refuses

# Those files that are there only for our lines; what was there before stays, if it is empty.
created() { grep -qsxF "$1" "$own/created"; }

edit() {
  true >"$found" || return
  true >"$scratch/sought" || return
  for file in $edited; do
    if [ ! -e "$file" ]; then
      [ -n "$(wanted)" ] || continue
      [ -n "$(for set in $(wanted); do places "$set" "$file" "$own"; done)" ] || continue
      mkdir -p "$own" && say "$file" >>"$own/created" && true >"$file" || return
    fi
    without_lines "$file" >"$scratch/bare-file" || return
    for set in $(wanted); do places "$set" "$file" "$own"; done >"$scratch/places"
    cat "$scratch/places" >>"$scratch/sought"
    # Settings stand once.
    while IFS="$tab" read -r side section anchor line; do
      if [ "$section" = begin ] && grep -qxF "$line" "$found"; then continue; fi
      printf '%s\t%s\t%s\t%s\n' "$side" "$section" "$anchor" "$line"
    done <"$scratch/places" >"$scratch/places-here"
    prepare "$file" "$scratch/bare-file" || return
    if [ -z "$spreads" ] || [ "$file" = "$base" ]; then begins_in=; else begins_in=$(entry_section "$file"); fi
    with_lines "$scratch/bare-file" "$scratch/places-here" "$begins_in" >"$scratch/new-file" || return
    # Not every awk says that it could not write.
    [ "$(wc -c <"$scratch/new-file")" -ge "$(wc -c <"$scratch/bare-file")" ] || return
    replace "$file" "$scratch/new-file" || return
    if [ ! -s "$file" ] && created "$file"; then rm -f "$file"; fi
  done
  all_found "$scratch/sought"
}
prepare() { :; }

take_effect() {
  if [ -n "$(wanted)" ]; then
    as_it_is_without_ours || return
    if [ -d "$staged" ]; then try_on_a_copy || return; fi
  fi
  find_edited
  remember || return
  # Whoever interrupts it now would leave half of it.
  trap '' HUP INT TERM PIPE
  true >"$scratch/said" || return
  if put_in_place; then
    # Only now nothing includes them.
    for set in $all; do if is_taken "$set" && [ ! -d "$staged/$set" ]; then rm -rf "${own:?}/$set"; fi; done
    if [ -z "$(wanted)" ]; then rm -rf "$own" && { rmdir "${own%/*}" 2>/dev/null || true; }; fi
    interruptible
    ! has_configuration || say "Exim reads it after: $reload"
    return 0
  fi
  cat "$scratch/said" >&2 || true
  restore
  ! has_configuration || rebuild >/dev/null 2>&1 || true
  interruptible
  return 1
}

put_in_place() {
  for set in $all; do
    [ -d "$staged/$set" ] || continue
    mkdir -p "$own/$set" || return
    for file in "$staged/$set"/*; do
      replace "$own/$set/${file##*/}" "$file" && as_readable_as_the_configuration "$own/$set/${file##*/}" || return
    done
    # What is not made any more.
    for file in "$own/$set"/*; do [ -e "$staged/$set/${file##*/}" ] || rm -f "$file"; done
  done
  edit || return
  # An Exim that was removed reads nothing.
  has_configuration || return 0
  { rebuild && "$exim_command" -bV; } >"$scratch/said" 2>&1 || return
  case " $(wanted | tr '\n' ' ')" in *' enforce '*) is_asked || { missing_router >"$scratch/said" && return 1; } ;; esac
}

# Whether Exim has our router, by its own word: it may read another file than the one with our lines.
is_asked() { "$exim_command" -bP router_list 2>/dev/null | grep -qx smtp_sts_ask; }
missing_router() { say "Exim has no router smtp_sts_ask: it reads another configuration than $configuration, or what makes that leaves our lines out."; }

# There may be passwords in a configuration, and then in what is made from it.
as_readable_as_the_configuration() {
  if [ -z "$(find -L "$configuration" -prune -perm -004)" ]; then chgrp "$(exim_group)" "$1" && chmod 0640 "$1"; else chmod 0644 "$1"; fi
}

has_configuration() { command -v "$exim_command" >/dev/null && [ -e "$configuration" ]; }
has_exim() { has_configuration || fail "there is no Exim here that reads $configuration ($platform)"; }

# A line that is gone, and files that would be made otherwise today.
tell_others() {
  has_configuration && [ "$(id -u)" = 0 ] || return 0
  as_it_is_without_ours || return 0
  find_edited
  for file in $edited; do places "$1" "$file" "$own"; done | cut -f 4 | sort -u | while read -r line; do
    # shellcheck disable=SC2086 # a list of files
    grep -qsxF "$line" $edited || say "  the line '$line' is gone from $(whose_line "$1" "$line"); put it back with: smtp-sts-verify-exim refresh"
  done
  if [ "$1" = enforce ] && ! is_asked; then say "  $(missing_router) Try: smtp-sts-verify-exim refresh"; fi
  compose "$1" "$staged/$1" 2>/dev/null
  diff -r "$staged/$1" "$own/$1" >"$scratch/difference" ||
    say "  Exim's configuration, or this package, has changed since $own/$1 was made; make it anew with: smtp-sts-verify-exim refresh"
}
# whose_line SET LINE: the file that has to have it.
whose_line() {
  for file in $edited; do
    if places "$1" "$file" "$own" | cut -f 4 | grep -qxF "$2"; then say "$file" && return; fi
  done
}
