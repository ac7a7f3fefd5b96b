// What this browser remembers. Storage may be forbidden or full; then the page remembers for as long as it is open.

const PREFIX = 'wingbeat.';
const fallback = new Map();

export function recall(key, otherwise) {
  let text = fallback.get(key);
  try {
    text ??= localStorage.getItem(PREFIX + key);
    return text == null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

export function remember(key, value) {
  const text = JSON.stringify(value);
  try {
    localStorage.setItem(PREFIX + key, text);
    fallback.delete(key);
  } catch {
    fallback.set(key, text);
  }
}

export function forget(key) {
  fallback.delete(key);
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // Nothing was stored.
  }
}

export function keysUnder(prefix) {
  const keys = new Set(fallback.keys());
  try {
    for (let i = 0; i < localStorage.length; i += 1) {
      const key = localStorage.key(i);
      if (key.startsWith(PREFIX)) keys.add(key.slice(PREFIX.length));
    }
  } catch {
    // Only the fallback has any.
  }
  return [...keys].filter((key) => key.startsWith(prefix));
}
