# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For scripts that try a program's bad command lines. They set program, its path,
# and label, which their results carry; they get a directory, $dir, and the count
# of what failed, $fails.

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fails=0

# refuse STATUS WORDS ARG...: one line on standard error that begins with the
# program's name, nothing on standard output.
refuse() {
	want=$1 words=$2
	shift 2
	"${program:?}" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	if [ "$got" = "$want" ] && [ ! -s "$dir/out" ] &&
	   [ "$(wc -l <"$dir/err")" = 1 ] &&
	   grep -q "^${program##*/}: .*$words" "$dir/err"; then
		echo "ok ${label:?}: refused with status $want: $words"
	else
		echo "not ok $label: refused with status $want: $words"
		echo "# $* gave status $got and said:"
		sed 's/^/# /' "$dir/err"
		fails=$((fails + 1))
	fi
}
