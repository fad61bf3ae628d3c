# Interactive shells in a node: a prompt that says where you are.
[[ $- == *i* ]] || return
unset HISTFILE
shopt -s checkwinsize
wirelab_address=$(ip -4 -brief address show scope global 2> /dev/null | { read -r _ _ first _; echo "${first%/*}"; })
PS1="\u@\h${wirelab_address:+ $wirelab_address}:\w\\$ "
unset wirelab_address
alias ls='ls --color=auto' ll='ls -l' grep='grep --color=auto'
