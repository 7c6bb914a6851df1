/** Whether the stream of events is open, in the header. */
export function showConnection() {}
