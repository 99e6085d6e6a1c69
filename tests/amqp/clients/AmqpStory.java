// The story of story.py, told with RabbitMQ's Java client: java -cp JARS AmqpStory.java HOST:PORT. One line of JSON a chapter.

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.ShutdownSignalException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

public class AmqpStory {
    static void say(String chapter, String found) {
        System.out.println("[\"" + chapter + "\", " + found + "]");
    }

    static GetResponse soon(Channel channel, String queue) throws Exception {
        for (int tries = 0; tries < 250; tries++) {
            GetResponse got = channel.basicGet(queue, true);
            if (got != null) return got;
            Thread.sleep(20);
        }
        throw new IllegalStateException("nothing came to " + queue);
    }

    static AMQP.BasicProperties.Builder properties() {
        return new AMQP.BasicProperties.Builder();
    }

    public static void main(String[] words) throws Exception {
        String[] place = words[0].split(":");
        ConnectionFactory factory = new ConnectionFactory();
        factory.setHost(place[0]);
        factory.setPort(Integer.parseInt(place[1]));
        try (Connection connection = factory.newConnection()) {
            Channel channel = connection.createChannel();
            declare(channel);
            publish(channel);
            consume(channel);
            dead(channel);
            reply(connection);
            refused(connection);
            told(connection, channel);
        }
        say("closed", "true");
    }

    static void declare(Channel channel) throws Exception {
        channel.exchangeDeclare("java.letters", "topic", true);
        channel.exchangeDeclare("java.dead", "fanout", true);
        channel.queueDeclare("java.dead", true, false, false, null);
        channel.queueBind("java.dead", "java.dead", "");
        channel.queueDeclare("java.orders", true, false, false, Map.of("x-dead-letter-exchange", "java.dead"));
        channel.queueBind("java.orders", "java.letters", "orders.#");
    }

    static void publish(Channel channel) throws Exception {
        channel.confirmSelect();
        for (int n = 0; n < 100; n++) {
            var lasting = properties().deliveryMode(2).headers(Map.of("n", n)).build();
            channel.basicPublish("java.letters", "orders." + n, lasting, ("order " + n).getBytes());
        }
        channel.waitForConfirmsOrDie(20000);
        say("confirmed", "" + channel.messageCount("java.orders"));
        var returned = new CompletableFuture<String>();
        channel.addReturnListener((code, text, exchange, key, carried, body) -> returned.complete("[" + code + ", \"" + text + "\"]"));
        channel.basicPublish("java.letters", "bills.1", true, null, "bill".getBytes());
        say("returned", returned.get(10, TimeUnit.SECONDS));
    }

    static void consume(Channel channel) throws Exception {
        channel.basicQos(10);
        var seen = new ArrayList<Integer>();
        var again = new ArrayList<Integer>();
        var all = new CompletableFuture<Boolean>();
        String tag = channel.basicConsume("java.orders", new DefaultConsumer(channel) {
            @Override
            public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties carried, byte[] body) throws java.io.IOException {
                int n = (Integer) carried.getHeaders().get("n");
                if (envelope.isRedeliver()) again.add(n);
                if (n == 7 && !envelope.isRedeliver()) {
                    channel.basicNack(envelope.getDeliveryTag(), false, true);
                    return;
                }
                seen.add(n);
                if (n == 9) channel.basicReject(envelope.getDeliveryTag(), false);
                else channel.basicAck(envelope.getDeliveryTag(), false);
                if (seen.size() == 100) all.complete(true);
            }
        });
        all.get(20, TimeUnit.SECONDS);
        channel.basicCancel(tag);
        say("consumed", List.of(seen.size(), new HashSet<>(seen).size(), again).toString());
    }

    @SuppressWarnings("unchecked")
    static void dead(Channel channel) throws Exception {
        GetResponse letter = soon(channel, "java.dead");
        var death = ((List<Map<String, Object>>) letter.getProps().getHeaders().get("x-death")).get(0);
        long count = (Long) death.get("count"); // a cast that fails where the field is of another type
        List<Object> keys = (List<Object>) death.get("routing-keys");
        say("dead", "[\"" + new String(letter.getBody()) + "\", \"" + death.get("reason") + "\", \"" + death.get("queue") + "\", "
            + count + ", [\"" + keys.get(0) + "\"]]");
    }

    static void reply(Connection connection) throws Exception {
        Channel server = connection.createChannel();
        server.queueDeclare("java.doubling", false, true, false, null);
        server.basicConsume("java.doubling", true, (tag, asked) -> {
            var answer = "" + 2 * Integer.parseInt(new String(asked.getBody()));
            var carried = properties().correlationId(asked.getProperties().getCorrelationId()).build();
            server.basicPublish("", asked.getProperties().getReplyTo(), carried, answer.getBytes());
        }, tag -> {});
        Channel client = connection.createChannel();
        var replied = new CompletableFuture<String>();
        client.basicConsume("amq.rabbitmq.reply-to", true, (tag, answer) ->
            replied.complete("[\"" + new String(answer.getBody()) + "\", \"" + answer.getProperties().getCorrelationId() + "\"]"), tag -> {});
        var asking = properties().replyTo("amq.rabbitmq.reply-to").correlationId("c1").build();
        client.basicPublish("", "java.doubling", asking, "21".getBytes());
        say("replied", replied.get(10, TimeUnit.SECONDS));
    }

    static void refused(Connection connection) throws Exception {
        try {
            connection.createChannel().queueDeclarePassive("java.nowhere");
            say("refused", "0");
        } catch (java.io.IOException error) {
            var close = (AMQP.Channel.Close) ((ShutdownSignalException) error.getCause()).getReason();
            say("refused", "" + close.getReplyCode());
        }
    }

    static void told(Connection connection, Channel channel) throws Exception {
        channel.queueDeclare("java.short", false, false, false, null);
        var gone = new CompletableFuture<Boolean>();
        connection.createChannel().basicConsume("java.short", false, (tag, message) -> {}, tag -> gone.complete(true));
        channel.queueDelete("java.short");
        say("told", "" + gone.get(10, TimeUnit.SECONDS));
    }
}
