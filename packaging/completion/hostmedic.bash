# SPDX-License-Identifier: Apache-2.0
# Completion of hostmedic(1) for bash. Ids come from the running agent; without one there are none.

_hostmedic_ids() {
	hostmedic "$@" --json 2>/dev/null | grep -o '"\(incident_\)\?id":"[0-9a-f]\{16\}"' | cut -d'"' -f4 | sort -u
}

_hostmedic() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= word
	local verbs="status incidents explain show list halt resume maintenance silence ack expect report feedback approve reject undo reenable rearm audit check doctor enroll keep config reload relearn replay backtest score thresholds deploy evidence runbook version"
	local global="--json --quiet --ascii --socket --actuator-socket --help"
	COMPREPLY=()
	case $prev in
	--socket|--actuator-socket|--in|--train|--plot|--file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--root|--train-dir) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--for) COMPREPLY=($(compgen -W "30m 1h 2h 1d" -- "$cur")); return ;;
	--reason|--note|--limit|-n|--entity|--series|--kind|--factor|--at) return ;;
	esac
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ " $verbs " == *" $word "* ]]; then
			verb=$word
			break
		fi
	done
	case $verb in
	"") COMPREPLY=($(compgen -W "$verbs $global --version" -- "$cur")) ;;
	incidents) COMPREPLY=($(compgen -W "--all --limit $global" -- "$cur")) ;;
	explain|show) COMPREPLY=($(compgen -W "--verbose --plot $(_hostmedic_ids incidents --all)" -- "$cur")) ;;
	runbook) COMPREPLY=($(compgen -W "list show test --incident $global $(hostmedic runbook list --json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4) $(_hostmedic_ids incidents)" -- "$cur")) ;;
	approve) COMPREPLY=($(compgen -W "--yes --step --action $(_hostmedic_ids list proposals)" -- "$cur")) ;;
	reject) COMPREPLY=($(compgen -W "--reason $(_hostmedic_ids list proposals)" -- "$cur")) ;;
	undo) COMPREPLY=($(compgen -W "--reason $(_hostmedic_ids incidents --all)" -- "$cur")) ;;
	audit) COMPREPLY=($(compgen -W "verify --file $global" -- "$cur")) ;;
	list) COMPREPLY=($(compgen -W "probes series detectors models groups rules actions runbooks guard expected silences relations proposals --cost --health" -- "$cur")) ;;
	thresholds) COMPREPLY=($(compgen -W "--since $global" -- "$cur")) ;;
	halt) COMPREPLY=($(compgen -W "--reason $global" -- "$cur")) ;;
	maintenance) COMPREPLY=($(compgen -W "on off --for --reason --entity" -- "$cur")) ;;
	silence) COMPREPLY=($(compgen -W "list remove --for --kind --reason" -- "$cur")) ;;
	ack) COMPREPLY=($(compgen -W "--reason $(_hostmedic_ids incidents)" -- "$cur")) ;;
	report) COMPREPLY=($(compgen -W "--since $global" -- "$cur")) ;;
	feedback) COMPREPLY=($(compgen -W "real false --note --remove $(_hostmedic_ids incidents --all)" -- "$cur")) ;;
	expect) COMPREPLY=($(compgen -W "add list remove --for --at --entity --series --factor --shadow" -- "$cur")) ;;
	deploy) COMPREPLY=($(compgen -W "mark --version --entity $global" -- "$cur")) ;;
	config) COMPREPLY=($(compgen -W "reference agent policy aggregator runbook" -- "$cur")) ;;
	evidence) COMPREPLY=($(compgen -W "list verify show $(hostmedic evidence list --json 2>/dev/null | grep -o '"id":"[0-9TZa-f-]\+"' | cut -d'"' -f4)" -- "$cur")) ;;
	check) COMPREPLY=($(compgen -f -- "$cur")) ;;
	replay) COMPREPLY=($(compgen -W "--config --speed $global" -- "$cur") $(compgen -f -- "$cur")) ;;
	backtest) COMPREPLY=($(compgen -W "--since --config $global" -- "$cur")) ;;
	score) COMPREPLY=($(compgen -W "--in --out --train --train-dir --config --interval --per-series --jobs $global" -- "$cur") $(compgen -f -- "$cur")) ;;
	keep) COMPREPLY=($(compgen -f -- "$cur")) ;;
	enroll) COMPREPLY=($(compgen -W "--root" -- "$cur") $(compgen -f -- "$cur")) ;;
	*) COMPREPLY=($(compgen -W "$global" -- "$cur")) ;;
	esac
}

complete -F _hostmedic hostmedic
