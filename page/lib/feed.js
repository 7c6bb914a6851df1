/**
 * What becomes of jobs, as it happens: one stream of events for the tab, open while anybody listens and the tab is seen.
 *
 * @typedef {Object} FeedEvent
 * @property {string} id Its place among the events of all jobs.
 * @property {string} job
 * @property {string} event Its id among the events of its job.
 * @property {string} type As in `GET /jobs/{id}/events`; `deleted` once the job is gone.
 * @property {Record<string, any>} data
 */

/**
 * Listen from now on, or from after an id. `gap` is called where events may have been missed: read again what is shown.
 *
 * @param {(event: FeedEvent) => void} _listener
 * @param {{ after?: string, gap?: () => void, signal: AbortSignal }} _options
 */
export function follow(_listener, _options) {}
