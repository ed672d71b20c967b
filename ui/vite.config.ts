import { fileURLToPath } from "node:url"
import tailwindcss from "@tailwindcss/vite"
import { defineConfig } from "vite"
import solid from "vite-plugin-solid"

/** Where `npm run dev` finds the server; `npm start` serves the built files itself and needs none of this. */
const server = process.env.LZSTOCK_DEV_SERVER ?? "http://127.0.0.1:4280"

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [solid(), tailwindcss()],
  build: {
    outDir: fileURLToPath(new URL("../dist/ui", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // everything the page needs is served by us: nothing is inlined as a data: URL, so a strict CSP holds
    assetsInlineLimit: 0,
    // Effect's RPC client and schemas are most of it; one cached file
    chunkSizeWarningLimit: 900
  },
  // /account is a page of ours, what is below it the server's
  server: { proxy: { "/rpc": { target: server, ws: true }, "^/account/.+": { target: server } } }
})
