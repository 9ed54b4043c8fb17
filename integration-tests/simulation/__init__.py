"""Both stages of the rule engine in one process, under virtual time; one seed decides all of it."""
