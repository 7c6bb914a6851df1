/** Files may be dropped anywhere on the page. */
export function acceptDrops() {}
