"""A conflict answered on the forge: laid out on a branch, edited there, taken into the stack."""
