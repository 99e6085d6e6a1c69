// How the console is built and served while it is worked on. `PENSTOCK_API` names the server that `npm run dev`
// passes /api on to: the real web process, or the mock (`python ui/mock`).
import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => {
  const { PENSTOCK_API = "http://127.0.0.1:8080" } = loadEnv(mode, ".", "PENSTOCK_");
  return {
    build: {
      outDir: "../src/penstock/web/static",
      emptyOutDir: true,
      target: "es2022",
      // `light-dark()` stays as it is: lowering it would double every colour.
      cssTarget: ["chrome123", "firefox120", "safari17.5"],
      modulePreload: { polyfill: false },
    },
    server: { host: "127.0.0.1", proxy: { "/api": { target: PENSTOCK_API, changeOrigin: true } } },
  };
});
