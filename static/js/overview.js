// The slow part of the operators' overview comes after the page.
const place = document.getElementById("o-findings");

try {
  const answer = await fetch(place.dataset.address);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  place.innerHTML = await answer.text();
} catch (error) {
  console.warn(error);
  place.textContent = place.dataset.failed;
}
