// Asking again and again, for what has no stream: keeps the last answer, its age and the last refusal; asks nothing while hidden.
import { useEffect, useRef, useState } from "preact/hooks";
import { onVisible, visible } from "../state/visible";
import { ApiError } from "./client";

export interface Polled<T> {
  value: T | null;
  error: ApiError | null;
  /** When the value came, by this computer's clock; 0 before the first. */
  at_ms: number;
  reload: () => void;
}

interface Held<T> {
  key: string;
  value: T | null;
  error: ApiError | null;
  at_ms: number;
}

/** `key` names what is asked: a new key drops the old answer. `null` asks nothing. */
export function usePoll<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>, every_ms: number): Polled<T> {
  const [held, hold] = useState<Held<T>>({ key: "", value: null, error: null, at_ms: 0 });
  const latest = useRef(load);
  latest.current = load;
  const again = useRef<() => void>(() => {});

  useEffect(() => {
    if (key === null) return;
    const stop = new AbortController();
    let timer = 0;
    let asking = false;
    const ask = async () => {
      clearTimeout(timer);
      if (asking || stop.signal.aborted) return;
      asking = true;
      try {
        const value = await latest.current(stop.signal);
        if (!stop.signal.aborted) hold({ key, value, error: null, at_ms: Date.now() });
      } catch (cause) {
        if (stop.signal.aborted) return;
        const error = cause instanceof ApiError ? cause : new ApiError(0, String(cause));
        hold((old) => (old.key === key ? { ...old, error } : { key, value: null, error, at_ms: 0 }));
      } finally {
        asking = false;
        if (!stop.signal.aborted && visible() && every_ms > 0) timer = window.setTimeout(ask, every_ms);
      }
    };
    again.current = () => void ask();
    const off = onVisible((shown) => (shown ? void ask() : clearTimeout(timer)));
    if (visible()) void ask();
    return () => {
      off();
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, every_ms]);

  const current = held.key === key ? held : { value: null, error: null, at_ms: 0 };
  return { value: current.value, error: current.error, at_ms: current.at_ms, reload: () => again.current() };
}
