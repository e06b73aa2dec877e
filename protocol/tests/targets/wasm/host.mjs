// Sends the golden request to the server in a file of WebAssembly, twice, and compares its answers:
//
//     node host.mjs FILE

import { readFileSync } from "node:fs";
import assert from "node:assert";

const message = (content) => {
    const header = '{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", ' +
        `"content-length": ${content.length}}`;
    return Buffer.concat([Buffer.from([header.length >> 8, header.length & 255]), Buffer.from(header + content)]);
};
const request = message('{"action": "search", "value": "needle"}');
const answer = message('{"result": "No match for \\"needle\\"."}');

const file = readFileSync(process.argv[2]);
const module = await WebAssembly.compile(file);
assert.deepStrictEqual(WebAssembly.Module.imports(module), []);
const start = async () => (await WebAssembly.instantiate(module)).exports;

const server = await start();
for (let times = 0; times < 2; times++) {
    const lengths = [...request].map((byte) => server.put(byte));
    assert.deepStrictEqual(lengths, [...Array(request.length - 1).fill(0), answer.length]);
    const received = Buffer.from(Array.from(answer, (_, index) => server.take(index)));
    assert.deepStrictEqual(received.toString("latin1"), answer.toString("latin1"));
}

const refusing = await start();
assert.deepStrictEqual([...Buffer.from("\0\x02{}")].map((byte) => refusing.put(byte)), [0, 0, 0, -1]);

console.log(`answers as it should, ${(file.length / 1000).toFixed(1)} KB`);
