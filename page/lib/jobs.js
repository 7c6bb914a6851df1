/**
 * What the events of a job come to. Pure functions.
 */
