# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Disks with a boot loader: sourced.

# grub_disk FILE COMMAND... -- /NAME=FILE...
# An ISO image that is a disk with GRUB in its boot record, too, with those files and
# a configuration of those commands, which says before that it runs.
grub_disk() {
	local out=$1 cfg
	shift
	cfg=$(mktemp) || return
	echo 'echo "GRUB runs its configuration"' >"$cfg"
	while [ "$1" != -- ]; do
		echo "$1" >>"$cfg"
		shift
	done
	shift
	echo boot >>"$cfg"
	grub-mkrescue -d /usr/lib/grub/i386-pc -o "$out" "/boot/grub/grub.cfg=$cfg" "$@"
	set -- $?
	rm -f "$cfg"
	return "$1"
}
