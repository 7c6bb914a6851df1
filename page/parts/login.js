/**
 * Where the service asks for a key, ask the reader.
 *
 * @param {() => void} _again Called once the reader is let in.
 */
export function askForKeys(_again) {}
