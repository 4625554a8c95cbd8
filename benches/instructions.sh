#!/usr/bin/env bash
# Instructions a region, by callgrind: a Markdown table of the cases of benches/search.rs.
#
#   benches/instructions.sh             all cases: some ten minutes
#   benches/instructions.sh NAME...     these cases, and those they are measured against
#
# The instructions are those of the whole program, start and end included; the case "empty"
# tells how many these are. They do not depend on how busy the machine is. Callgrind runs one
# thread at a time, and a program under it sees no AVX-512.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind > /dev/null || { echo "install valgrind" >&2; exit 2; }

search=$(cargo bench --bench search --no-run --message-format=json 2> /dev/null |
    sed -n 's/.*"executable":"\([^"]*\/search-[^"]*\)".*/\1/p')
[[ -x $search ]] || { cargo bench --bench search --no-run; exit 2; }

declare -A beside instructions regions float exact
names=()
while read -r name others; do
    names+=("$name")
    beside[$name]=$others
done < <("$search" --list)

for name in "$@"; do
    [[ -v beside[$name] ]] || { echo "no case $name; there are: ${names[*]}" >&2; exit 2; }
done

# measure NAME: fills the arrays, once a name.
measure() {
    [[ -v instructions[$1] ]] && return
    local log line words i
    log=$(mktemp)
    line=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$log" "$search" "$1")
    instructions[$1]=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log")
    rm "$log"
    regions[$1]='' # stays so when the case's files are absent
    read -ra words <<< "$line"
    for ((i = 1; i < ${#words[@]}; i++)); do
        case ${words[i]} in
            regions) regions[$1]=${words[i - 1]} ;;
            float) float[$1]=${words[i - 1]} ;;
            exact) exact[$1]=${words[i - 1]} ;;
            WRONG) echo "$1 counts wrong" >&2; exit 1 ;;
        esac
    done
}

per_region() { echo $((instructions[$1] / regions[$1])); }

echo "| case | regions | instructions a region | decided exactly | beside random ones |"
echo "|---|---:|---:|---:|---|"
(($#)) || set -- "${names[@]}"
for name in "$@"; do
    measure "$name"
    if [[ -z ${regions[$name]} ]]; then
        echo "| $name | its files are not there | | | |"
        continue
    fi
    ratios=''
    for other in ${beside[$name]}; do
        measure "$other"
        ratio=$(awk -v a="$(per_region "$name")" -v b="$(per_region "$other")" 'BEGIN { printf "%.2f", a / b }')
        ratios+="${ratios:+, }$ratio of $other"
    done
    share=$(awk -v e="${exact[$name]}" -v f="${float[$name]}" \
        'BEGIN { if (e == 0) print 0; else printf "%.2g", e / (e + f) }')
    echo "| $name | ${regions[$name]} | $(per_region "$name") | $share | $ratios |"
done
