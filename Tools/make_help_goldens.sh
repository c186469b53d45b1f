#!/bin/sh
# Writes the help of abench and of every verb to Tests/Fixtures/cli, where CLITests compare it verbatim.
# Usage: Tools/make_help_goldens.sh [ABENCH]     (default: .build/release/abench)
set -eu
cd "$(dirname "$0")/.."
abench=${1:-.build/release/abench}
out=Tests/Fixtures/cli
mkdir -p "$out"
export COLUMNS=80 NO_COLOR=1
"$abench" --help >"$out/abench.txt"
verbs=$("$abench" --help | sed -n '/^SUBCOMMANDS:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p')
for verb in $verbs; do "$abench" "$verb" --help >"$out/$verb.txt"; done
