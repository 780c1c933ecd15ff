# shellcheck shell=sh
# DirectAdmin: CustomBuild makes /etc/exim.conf (`da build exim_conf`), which includes files that it leaves alone: at the beginning of the routers and of
# the transports. For the retry rule there is none: its line goes into /etc/exim.conf itself, and is gone after a rebuild, until `refresh` puts it back.
# shellcheck disable=SC2034,SC2154 # shared with smtp-sts-verify-exim and sections.sh
edited='/etc/exim.routers.pre.conf /etc/exim.transports.pre.conf /etc/exim.conf'
continues=no

places() {
  case $1:$2 in
    enforce:*routers.pre.conf) place after end end ".include $3/$1/main" && place after end end ".include $3/$1/router" ;;
    enforce:*transports.pre.conf) place after end end ".include $3/$1/transport" ;;
    enforce:*exim.conf) place after retry begin ".include $3/$1/retry" ;;
  esac
}
