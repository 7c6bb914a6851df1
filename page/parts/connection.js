/** Say in the header that the service is away, and nothing while all is well. */
export function showConnection() {
  const place = document.getElementById("connection");
  addEventListener("feed", (event) => {
    const text = /** @type {CustomEvent<{ away: boolean }>} */ (event).detail.away ? "Reconnecting …" : "";
    if (place && place.textContent !== text) place.textContent = text;
  });
}
