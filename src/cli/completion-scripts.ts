/**
 * What a shell runs at its start. Each asks `caretaker complete -- WORDS`, by the name or path that was typed, with the word
 * under the cursor last. They need nothing but the shell, and may be read twice.
 */
export const scripts = {
  bash: `# bash completion for caretaker
_caretaker() {
  local line="\${COMP_LINE:0:COMP_POINT}" begun value about answer
  local -a words
  read -ra words <<<"$line"
  # A space behind the last word begins another one.
  [[ $line == *' ' ]] && words+=('')
  answer=$("\${words[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
  COMPREPLY=()
  begun="\${words[-1]}"
  if [[ $answer == ':files'* ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$begun")
    return
  fi
  # Bash takes = : and @ for ends of words, and puts what we answer behind the last of them.
  local whole="\${begun%"\${begun##*[=:@]}"}"
  while IFS=$'\\t' read -r value about; do
    [[ -n $value ]] && COMPREPLY+=("$(printf %q "\${value#"$whole"}")")
  done <<<"$answer"
}
complete -F _caretaker caretaker
`,
  zsh: `#compdef caretaker
_caretaker() {
  local line answer
  local -a found
  answer=$("\${(Q)words[1]}" complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  if [[ $answer == :files* ]]; then
    _files
    return
  fi
  for line in "\${(@f)answer}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -t values caretaker found
}
if [[ $funcstack[1] == _caretaker ]]; then _caretaker "$@"; else compdef _caretaker caretaker; fi
`,
  fish: `# fish completion for caretaker
function __caretaker_complete
  set -l words (commandline -opc)
  set -l begun (commandline -ct)
  set -l answer ($words[1] complete -- $words[2..-1] "$begun" 2>/dev/null)
  if test "$answer[1]" = ':files'
    __fish_complete_path "$begun"
  else
    string join \\n -- $answer
  end
end
complete -c caretaker -f -a '(__caretaker_complete)'
`,
} as const
