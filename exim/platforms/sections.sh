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

# places SET FILE DIRECTORY: a line for each that FILE gets, with tabs between: before or after, section, what stands there, and
# the line. The place is the beginning of the section; a router; the driver of a transport, which has to come before its other options;
# a line; or the end of the file.
places() { places_in_sections "$1" "$3"; }
places_in_sections() {
  if [ "$1" = enforce ]; then
    place before begin begin ".include $2/$1/main"
    place before routers "$(printf '%s\n' "$routers" | sed -n '1s/ .*//p')" ".include $2/$1/router"
    place after transports begin ".include $2/$1/transport"
    place after retry begin ".include $2/$1/retry"
    if [ "$continues" = yes ]; then for transport in $transports; do place after transports "$transport" ".include $2/$1/continued"; done; fi
  else
    place before begin begin ".include $2/$1/main"
    for transport in $transports; do place after transports "$transport" ".include $2/$1/continued"; done
  fi
}
place() { printf '%s\t%s\t%s\t%s\n' "$@"; }
continues=yes # whether a line that lasts can be put into the platform's own transport

rebuild() { :; }

# with_lines FILE PLACES: the file with them, unless it has the line already at that place; fails if there is no such place.
with_lines() {
  ends=yes
  [ -z "$(tail -c 1 "$1")" ] || ends=
  awk -v places="$2" -v ends="$ends" '
    function put(text) { out[++last] = text }
    function placed(where, at,    i) {
      for (i = 1; i <= many; i++) if (!done[i] && side[i] == where && (section[i] == part || section[i] == "any") && anchor[i] == at) {
        done[i] = 1
        put(line[i])
      }
    }
    BEGIN {
      FS = "\t"
      while ((getline text <places) > 0) { many++; split(text, f, "\t"); side[many] = f[1]; section[many] = f[2]; anchor[many] = f[3]; line[many] = f[4] }
      FS = " "
    }
    /^[ \t]*begin[ \t]/ {
      part = "begin"; placed("before", "begin")
      part = $2
      put($0); placed("after", "begin"); next
    }
    /^[A-Za-z0-9_]+:/ {
      name = $0; sub(/:.*/, "", name)
      placed("before", name); put($0); next
    }
    /^[ \t]*driver[ \t]*=/ { put($0); placed("after", name); next }
    { put($0); placed("after", $0) }
    END {
      part = "end"; placed("after", "end")
      for (i = 1; i <= last; i++) printf "%s%s", out[i], (i < last || ends ? "\n" : "")
      for (i = 1; i <= many; i++) if (!done[i]) {
        print "There is no place for the line \"" line[i] "\" (" side[i] " " anchor[i] ", section " section[i] ")." | "cat >&2"
        missing = 1
      }
      exit missing
    }
  ' "$1"
}

# without_lines FILE: the file without any line of ours.
without_lines() {
  ends=yes
  [ -z "$(tail -c 1 "$1")" ] || ends=
  awk -v own=".include $own/" -v ends="$ends" '
    index($0, own) == 1 { next }
    { out[++last] = $0 }
    END { for (i = 1; i <= last; i++) printf "%s%s", out[i], (i < last || ends ? "\n" : "") }
  ' "$1"
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
  case $1 in enforce | header) ;; *) say "the set $1 is for Debian's configuration alone" >&2 && return 1 ;; esac
  [ "$1" != header ] || [ "$continues" = yes ] ||
    { say "the header set continues the transport of ordinary mail, into which nothing can be put that lasts on $platform" >&2 && return 1; }
  as_it_is_without_ours && compose "$1" "$staged/$1"
}

# The configuration that Exim reads, without our lines: from it the platform's own is told.
as_it_is_without_ours() {
  [ -z "${routers:-}" ] || return 0
  read_from=$scratch/without.conf
  secretly "$read_from"
  without_lines "$configuration" >"$read_from" || return
  for file in $edited; do
    if [ "$file" = "$configuration" ] || [ ! -e "$file" ]; then continue; fi
    copy=$shared/$(echo "$file" | tr / %)
    # With the mode that it has: whoever may read the one may read the other.
    cp -p "$file" "$copy" && without_lines "$file" >"$copy" || return
    sed "s|^\( *\.include[a-z_]* *\)$file *$|\1$copy|" "$read_from" >"$scratch/copied" && cat "$scratch/copied" >"$read_from" || return
  done
  read_platform
}

secretly() { : >"$1" && chmod 0600 "$1"; }

take() { [ ! -d "$own/$1" ] || taken="$taken $1"; }
is_taken() { case " $taken " in *" $1 "*) ;; *) return 1 ;; esac }

# The sets that are to be there in the end.
wanted() { for set in enforce header; do if [ -d "$staged/$set" ] || { [ -d "$own/$set" ] && ! is_taken "$set"; }; then echo "$set"; fi; done; }

# On a copy of what Exim reads now, as one file with sections, which panels make in the end.
try_on_a_copy() {
  for set in $(wanted); do [ -d "$staged/$set" ] || cp -r "$own/$set" "$staged/$set" || return; done
  for set in $(wanted); do places_in_sections "$set" "$staged"; done >"$scratch/places"
  secretly "$scratch/copy.conf"
  with_lines "$read_from" "$scratch/places" >"$scratch/copy.conf" || return
  "$exim_command" -C "$scratch/copy.conf" -bV >"$scratch/said" 2>&1 || { sed -n "/configuration error/,/^Exim version/p" "$scratch/said" | sed "/^Exim version/d" >&2; return 1; }
  [ ! -d "$staged/enforce" ] || proven "$scratch/copy.conf"
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
  for file in $edited; do
    if [ ! -e "$file" ]; then
      [ -n "$(wanted)" ] || continue
      [ -n "$(for set in $(wanted); do places "$set" "$file" "$own"; done)" ] || continue
      mkdir -p "$own" && say "$file" >>"$own/created" && : >"$file" || return
    fi
    without_lines "$file" >"$scratch/bare-file" || return
    for set in $(wanted); do places "$set" "$file" "$own"; done >"$scratch/places"
    prepare "$file" "$scratch/bare-file" || return
    with_lines "$scratch/bare-file" "$scratch/places" >"$scratch/new-file" || return
    # Not every awk says that it could not write.
    [ "$(wc -c <"$scratch/new-file")" -ge "$(wc -c <"$scratch/bare-file")" ] || return
    replace "$file" "$scratch/new-file" || return
    if [ ! -s "$file" ] && created "$file"; then rm -f "$file"; fi
  done
}
prepare() { :; }

take_effect() {
  if [ -n "$(wanted)" ]; then
    as_it_is_without_ours || return
    if [ -d "$staged" ]; then try_on_a_copy || return; fi
  fi
  remember || return
  # Whoever interrupts it now would leave half of it.
  trap '' HUP INT TERM PIPE
  : >"$scratch/said"
  if put_in_place; then
    # Only now nothing includes them.
    for set in enforce header; do if is_taken "$set" && [ ! -d "$staged/$set" ]; then rm -rf "${own:?}/$set"; fi; done
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
  for set in enforce header; do
    [ -d "$staged/$set" ] || continue
    mkdir -p "$own/$set" || return
    for file in "$staged/$set"/*; do replace "$own/$set/${file##*/}" "$file" || return; done
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

has_configuration() { command -v "$exim_command" >/dev/null && [ -e "$configuration" ]; }
has_exim() { has_configuration || fail "there is no Exim here that reads $configuration ($platform)"; }

# A line that is gone, and files that would be made otherwise today.
tell_others() {
  has_configuration && [ "$(id -u)" = 0 ] || return 0
  as_it_is_without_ours || return 0
  for file in $edited; do
    places "$1" "$file" "$own" | cut -f 4 | while read -r line; do
      grep -qsxF "$line" "$file" || say "  the line '$line' is gone from $file; put it back with: smtp-sts-verify-exim refresh"
    done
  done
  if [ "$1" = enforce ] && ! is_asked; then say "  $(missing_router) Try: smtp-sts-verify-exim refresh"; fi
  compose "$1" "$staged/$1" 2>/dev/null
  diff -r "$staged/$1" "$own/$1" >"$scratch/difference" ||
    say "  Exim's configuration, or this package, has changed since $own/$1 was made; make it anew with: smtp-sts-verify-exim refresh"
}
