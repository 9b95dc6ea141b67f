"""The stacks repository's own update: what a rebase made of a stack's files, brought to the forge.

Built from git's objects in a scratch copy of what the forge has, so that no check-out, no index and
no work of a person's is touched or taken along. Nothing is ever overwritten: a branch of ours only
gets commits on top.
"""
