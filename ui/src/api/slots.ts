// A browser opens six connections to one server, over all of its windows. Streams that stay open take at most four of them, so that
// a page can always be loaded and a button pressed; a window without a slot asks again and again instead.

const SLOTS = 4;

export interface Slot {
  release: () => void;
}

/** A slot, given back by `release` or with the page; null while all are taken. */
export async function takeSlot(): Promise<Slot | null> {
  // Only secure contexts have locks; loopback is one. Elsewhere nothing is counted.
  if (!navigator.locks) return { release: () => {} };
  for (let number = 0; number < SLOTS; number += 1) {
    const slot = await lock(`penstock.stream.${number}`);
    if (slot) return slot;
  }
  return null;
}

function lock(name: string): Promise<Slot | null> {
  return new Promise((resolve) => {
    void navigator.locks.request(name, { ifAvailable: true }, (held) => {
      if (!held) return resolve(null);
      return new Promise<void>((release) => resolve({ release }));
    });
  });
}
