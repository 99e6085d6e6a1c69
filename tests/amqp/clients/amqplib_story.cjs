// The story of story.py, told with amqplib: node amqplib_story.cjs AMQPLIB-FOLDER HOST:PORT. One line of JSON a chapter.
const [folder, address] = process.argv.slice(2);
const amqplib = require(folder);
const say = (chapter, found) => console.log(JSON.stringify([chapter, found]));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function soon(channel, queue) {
  for (let tries = 0; tries < 250; tries++) {
    const message = await channel.get(queue, { noAck: true });
    if (message) return message;
    await pause(20);
  }
  throw new Error(`nothing came to ${queue}`);
}

async function main() {
  const connection = await amqplib.connect(`amqp://guest:guest@${address}`);
  connection.on("error", () => {});
  const channel = await connection.createConfirmChannel();
  channel.on("error", () => {});
  await channel.assertExchange("node.letters", "topic", { durable: true });
  await channel.assertExchange("node.dead", "fanout", { durable: true });
  await channel.assertQueue("node.dead", { durable: true });
  await channel.bindQueue("node.dead", "node.dead", "");
  await channel.assertQueue("node.orders", { durable: true, deadLetterExchange: "node.dead" });
  await channel.bindQueue("node.orders", "node.letters", "orders.#");

  for (let n = 0; n < 100; n++) channel.publish("node.letters", `orders.${n}`, Buffer.from(`order ${n}`), { persistent: true, headers: { n } });
  await channel.waitForConfirms();
  say("confirmed", (await channel.checkQueue("node.orders")).messageCount);

  const returned = new Promise((done) => channel.once("return", (message) => done([message.fields.replyCode, message.fields.replyText])));
  channel.publish("node.letters", "bills.1", Buffer.from("bill"), { mandatory: true });
  say("returned", await returned);

  await channel.prefetch(10);
  const seen = [];
  const again = [];
  const { consumerTag } = await new Promise((done, failed) => {
    const started = channel.consume("node.orders", (message) => {
      const n = message.properties.headers.n;
      if (message.fields.redelivered) again.push(n);
      if (n === 7 && !message.fields.redelivered) return channel.nack(message, false, true);
      seen.push(n);
      if (n === 9) channel.reject(message, false);
      else channel.ack(message);
      if (seen.length === 100) started.then(done, failed);
    });
    started.catch(failed);
  });
  await channel.cancel(consumerTag);
  say("consumed", [seen.length, new Set(seen).size, again]);

  const dead = await soon(channel, "node.dead");
  const death = dead.properties.headers["x-death"][0];
  say("dead", [dead.content.toString(), death.reason, death.queue, death.count, death["routing-keys"]]);

  const server = await connection.createChannel();
  await server.assertQueue("node.doubling", { exclusive: true });
  await server.consume("node.doubling", (message) => {
    const answer = Buffer.from(String(2 * Number(message.content)));
    server.sendToQueue(message.properties.replyTo, answer, { correlationId: message.properties.correlationId });
  }, { noAck: true });
  const client = await connection.createChannel();
  const replied = new Promise((done) => client.consume("amq.rabbitmq.reply-to", (m) => done([m.content.toString(), m.properties.correlationId]), { noAck: true }));
  client.sendToQueue("node.doubling", Buffer.from("21"), { replyTo: "amq.rabbitmq.reply-to", correlationId: "c1" });
  say("replied", await replied);

  const wrong = await connection.createChannel();
  wrong.on("error", () => {});
  say("refused", await wrong.checkQueue("node.nowhere").catch((error) => error.code));

  await server.assertQueue("node.short", { durable: false });
  const gone = new Promise((done) => server.consume("node.short", (message) => message === null && done(true)).then(() => channel.deleteQueue("node.short")));
  say("told", await gone);
  await connection.close();
  say("closed", true);
}

main().catch((error) => { console.error(error); process.exit(1); });
