// Three ways to produce to a topic: kcat, Python, curl. What an empty topic teaches.
import { status } from "../state/flow";
import { Tabs } from "./copy";

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

export function addresses(): { kafka: string; http: string; amqp: string } {
  return { amqp: status.value?.addresses.amqp || "127.0.0.1:5672", kafka: status.value?.addresses.kafka ?? "127.0.0.1:9092", http: location.origin };
}

export function ProduceTabs({ topic, example = { hello: "world", n: 1 } }: { topic: string; example?: object }) {
  const { kafka, http } = addresses();
  const json = JSON.stringify(example);
  const body = JSON.stringify({ value: example });
  const url = `${http}/api/topics/${encodeURIComponent(topic)}/records`;
  return (
    <Tabs
      name="produce"
      tabs={[
        { word: "kcat", text: `echo ${quoted(json)} |\n  kcat -P -b ${kafka} -t ${topic}` },
        {
          word: "Python",
          text: `from confluent_kafka import Producer  # pip install confluent-kafka\n\nproducer = Producer({"bootstrap.servers": "${kafka}"})\nproducer.produce("${topic}", ${quoted(json)})\nproducer.flush()`,
        },
        { word: "curl", text: `curl ${url} \\\n  -H 'content-type: application/json' \\\n  -d ${quoted(body)}` },
      ]}
    />
  );
}

/** A reading as the demo's pipeline expects it, stamped with the time it is sent at. */
export function ReadingTabs() {
  const { kafka, http } = addresses();
  const shell = (value: string) =>
    `{\\"machine\\":\\"me\\",\\"sensor\\":\\"mine\\",\\"unit\\":\\"%\\",\\"reading\\":${value},\\"at\\":\\"$(date -u '+%F %T')\\"}`;
  const python = `import datetime, json
from confluent_kafka import Producer  # pip install confluent-kafka

producer = Producer({"bootstrap.servers": "${kafka}"})
at = datetime.datetime.now(datetime.UTC).isoformat(" ", "milliseconds")[:23]
event = {"machine": "me", "sensor": "mine", "unit": "%", "reading": 42, "at": at}
producer.produce("readings", json.dumps(event))
producer.flush()`;
  const note = "The sensor named mine appears above the chart within two seconds.";
  return (
    <Tabs
      name="produce"
      tabs={[
        { word: "kcat", text: `echo "${shell("42")}" |\n  kcat -P -b ${kafka} -t readings`, note },
        { word: "Python", text: python, note },
        {
          word: "curl",
          text: `curl ${http}/api/topics/readings/records \\\n  -H 'content-type: application/json' \\\n  -d "{\\"value\\":${shell("42")}}"`,
          note,
        },
      ]}
    />
  );
}

/** Three ways to publish to a queue: this command line, pika, curl. */
export function PublishTabs({ queue, vhost = "/" }: { queue: string; vhost?: string }) {
  const { amqp, http } = addresses();
  const json = JSON.stringify({ to: "ada" });
  const body = JSON.stringify({ routing_key: queue, payload: json, properties: {} });
  const there = vhost === "/" ? "" : ` --vhost ${quoted(vhost)}`;
  const address = `amqp://${amqp}/${encodeURIComponent(vhost)}`;
  return (
    <Tabs
      name="publish"
      tabs={[
        { word: "penstock", text: `penstock queue create ${queue}${there}\npenstock queue publish ${queue} ${quoted(json)}${there}` },
        {
          word: "Python",
          text: `import pika  # pip install pika\n\nconnection = pika.BlockingConnection(pika.URLParameters("${address}"))\nchannel = connection.channel()\nchannel.queue_declare("${queue}", durable=True)\nchannel.basic_publish("", "${queue}", ${quoted(json)})`,
        },
        { word: "curl", text: `curl ${http}/api/exchanges/${encodeURIComponent(vhost)}/amq.default/publish \\\n  -H 'content-type: application/json' \\\n  -d ${quoted(body)}` },
      ]}
    />
  );
}
