import { expect, test } from "vitest";
import { isQueue, letterKey, letterOf, plainName, sourceOf, sourcePart, vhostOf } from "../src/format/source";

test("topics and queues go by their own names", () => {
  expect(["orders.dlq", "queue:dlq"].map(plainName)).toEqual(["orders.dlq", "dlq"]);
  expect(["orders.dlq", "queue:dlq"].map(isQueue)).toEqual([false, true]);
});

test("a queue's name survives in a path", () => {
  expect(sourcePart("orders.dlq")).toBe("orders.dlq");
  expect(decodeURIComponent(decodeURIComponent(sourcePart("queue:a/b %:c")))).toBe("queue:a/b %:c");
  expect(decodeURIComponent(sourcePart("queue:a/b"))).not.toContain("/");
});

test("a letter is found again by its source and its name", () => {
  for (const [source, letter] of [["orders.dlq", "0:42"], ["queue:dlq", "17"], ["queue:a:b:c", "17"], ["queue@a%3Ab:c:d", "17"]] as const) expect(letterOf(letterKey(source, letter))).toEqual([source, letter]);
});

test("a queue's source says its virtual host where it is another than the default one", () => {
  expect(vhostOf("queue:a@b:c")).toBe("/");
  expect([vhostOf("queue@a%2Fb:c/d:e"), plainName("queue@a%2Fb:c/d:e")]).toEqual(["a/b", "c/d:e"]);
  expect(decodeURIComponent(sourcePart("queue@a%2Fb:c/d"))).toBe("queue@a%2Fb:c%2Fd");
  expect(isQueue("queue@shop")).toBe(false);
  for (const queue of [{ vhost: "/", name: "a@b:c" }, { vhost: "a/b", name: "c/d:e" }]) {
    const source = sourceOf(queue);
    expect({ vhost: vhostOf(source), name: plainName(source) }).toEqual(queue);
  }
});
