"""Completion of `kubectl rasa`, by kubectl's protocol for plugins.

kubectl runs `kubectl_complete-rasa` with the words of the command line, the last of which, perhaps empty, is to be
completed. It prints a candidate a line, with a description after a tab, and last how the shell goes on (k8s.io/kubectl,
pkg/cmd/plugin/plugin_completion.go; the numbers are those of github.com/spf13/cobra).
"""
