# SPDX-License-Identifier: Apache-2.0
# Completion of hostmedic(1) for fish. The program itself says what may follow: see COMPLETION in its manual.

function __hostmedic_complete
	set -l before (commandline --tokenize --cut-at-cursor --current-process)
	set -l current (commandline --current-token --cut-at-cursor)
	for line in (hostmedic complete -- $before[2..-1] "$current" 2>/dev/null)
		switch $line
			case :files
				__fish_complete_path "$current"
			case :directories
				__fish_complete_directories "$current"
			case '*'
				echo $line
		end
	end
end

complete --command hostmedic --no-files --arguments '(__hostmedic_complete)'
