// Numbers as charts show them: five digits that matter, thousands grouped; seconds in two units.

const lang = document.documentElement.lang;
const plain = new Intl.NumberFormat(lang, { maximumSignificantDigits: 5 });
const tiny = new Intl.NumberFormat(lang, { maximumSignificantDigits: 4, notation: "scientific" });
const whole = new Intl.NumberFormat(lang, { maximumFractionDigits: 2 });

export function value(number) {
  if (number === null || number === undefined) return "–";
  const size = Math.abs(number);
  return size && (size < 1e-3 || size >= 1e7) ? tiny.format(number) : plain.format(number);
}

export const count = (number) => whole.format(number);

export function seconds(number) {
  if (number < 10) return `${whole.format(number)} s`;
  const rest = Math.round(number);
  const [hours, minutes] = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60];
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${rest % 60} s` : `${rest} s`;
}

export const placeText = (number, across) => (across === "time" ? seconds(number) : count(number));
