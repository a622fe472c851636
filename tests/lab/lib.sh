# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the lab's shell scripts share. Sourced, not run.
# shellcheck disable=SC2034

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${HVMON_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/hvmon}

# Progress goes to standard error: standard output carries results.
say() { echo "${0##*/}: $*" >&2; }
die() { say "$*"; exit 1; }

# The lab's hosts see this machine's files, but these directories are their own
case $(realpath -m "$CACHE")/ in
/tmp/* | /var/tmp/* | /run/* | /dev/*)
	die "the cache, $CACHE, is where the lab's hosts see nothing: HVMON_CACHE elsewhere, please" ;;
esac

codename() { (. /etc/os-release && echo "${VERSION_CODENAME:-unknown}"); }

# with_lock FILE: hold FILE's lock until the script (or subshell) ends.
with_lock() {
	mkdir -p "$(dirname "$1")"
	exec {LOCK_FD}>"$1"
	flock -n "$LOCK_FD" && return
	say "waiting for another one that is busy with ${1##*/}"
	flock "$LOCK_FD"
}

# The machine's own archive entries as "URI SIGNED-BY SUITE", one per suite,
# whichever of apt's two formats they are in.
apt_entries() {
	local f
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -r "$f" ] || continue
		awk '
			function flush(  n, m, i, j, u, s) {
				if (types ~ /(^| )deb( |$)/ && enabled != "no") {
					n = split(uris, u, " "); m = split(suites, s, " ")
					for (i = 1; i <= n; i++)
						for (j = 1; j <= m; j++)
							print u[i], (key ? key : "-"), s[j]
				}
				types = uris = suites = key = enabled = ""
			}
			/^[ \t]*$/ { flush(); next }
			/^#/ { next }
			{ v = $0; sub(/^[^:]*:[ \t]*/, "", v) }
			tolower($0) ~ /^types:/ { types = v }
			tolower($0) ~ /^uris:/ { uris = v }
			tolower($0) ~ /^suites:/ { suites = v }
			tolower($0) ~ /^signed-by:/ { key = v }
			tolower($0) ~ /^enabled:/ { enabled = tolower(v) }
			END { flush() }' "$f"
	done
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$f" ] || continue
		awk '$1 == "deb" {
			key = "-"; i = 2
			if ($2 ~ /^\[/) {
				for (; i <= NF; i++) {
					o = $i; gsub(/[\[\]]/, "", o)
					if (o ~ /^signed-by=/)
						key = substr(o, 11)
					if ($i ~ /\]$/)
						break
				}
				i++
			}
			print $i, key, $(i + 1)
		}' "$f"
	done
}

# derive_source SUITE: "URI SIGNED-BY" of the archive that holds SUITE, taken
# from the entry for this machine's own release (or its security archive).
derive_source() {
	local own line
	own=$(codename)
	case $1 in
	*-security) own=$own-security ;;
	esac
	line=$(apt_entries | awk -v s="$own" '$3 == s { print $1, $2; exit }')
	[ -n "$line" ] || return 1
	echo "$line"
}
