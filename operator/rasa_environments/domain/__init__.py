"""The rules among the three kinds, without I/O: who refers to whom, who may use what, who claims what first."""
