# shellcheck shell=sh
# DirectAdmin: CustomBuild makes /etc/exim.conf (`da build exim_conf`), which includes files that it leaves alone: at the beginning of the routers and of
# the transports. For the retry rules there is none: their lines go into /etc/exim.conf itself, and are gone after a rebuild, until `refresh` puts them back.
# shellcheck disable=SC2034,SC2154 # shared with smtp-sts-verify-exim and sections.sh
edited='/etc/exim.routers.pre.conf /etc/exim.transports.pre.conf /etc/exim.conf'
continues=no

places() {
  case $1 in enforce | reports) ;; *) return 0 ;; esac
  case $2 in
    *routers.pre.conf) place after end end ".include $3/$1/main" && place after end end ".include $3/$1/router" ;;
    *transports.pre.conf) place after end end ".include $3/$1/transport" ;;
    *exim.conf) place after retry begin ".include $3/$1/retry" ;;
  esac
}
