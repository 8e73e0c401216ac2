package thalweg.peers.input;

import java.util.function.Supplier;

/** Nexmark's events as records: {@link Person}, {@link Auction} and {@link Bid}. */
public final class NexmarkRecords {
    private NexmarkRecords() {}

    /** The block of a table. */
    public static Block<?> of(String kind, Nexmark.Table table) {
        return switch (kind) {
            case "person" -> new Persons(table);
            case "auction" -> new Auctions(table);
            default -> new Bids(table);
        };
    }

    /** A lap of the input has more events than records, as each table holds those of its kind. */
    private abstract static class Records<T> extends Block<T> {
        private final Supplier<T> create;
        final long[] times;
        /** Laps a record: a block's records are few enough for this to be exact after rounding. */
        private final double lapsPerRecord;

        Records(Nexmark.Table table, Supplier<T> create) {
            super(table.length(), table.shift("date_time"));
            this.create = create;
            times = table.numbers("date_time");
            lapsPerRecord = 1.0 / length;
        }

        /** The lap that begins at a place of the sequence. */
        final long lap(long seq) {
            return (long) (seq * lapsPerRecord + 0.5);
        }

        @Override
        public final T create() {
            return create.get();
        }
    }

    private static final class Bids extends Records<Bid> {
        private final long[] auctions;
        private final long[] bidders;
        private final long[] prices;
        private final byte[][] channels;
        private final byte[][] urls;
        private final byte[][] extras;
        private final long auctionShift;
        private final long bidderShift;

        Bids(Nexmark.Table table) {
            super(table, Bid::new);
            auctions = table.numbers("auction");
            bidders = table.numbers("bidder");
            prices = table.numbers("price");
            channels = table.texts("channel");
            urls = table.texts("url");
            extras = table.texts("extra");
            auctionShift = table.shift("auction");
            bidderShift = table.shift("bidder");
        }

        @Override
        public void fill(Bid bid, int index, long time, long seq) {
            long lap = lap(seq);
            bid.auction = auctions[index] + lap * auctionShift;
            bid.bidder = bidders[index] + lap * bidderShift;
            bid.price = prices[index];
            bid.channel = channels[index];
            bid.url = urls[index];
            bid.dateTime = times[index] + time;
            bid.extra = extras[index];
        }

        @Override
        public long eventTime(Bid bid) {
            return bid.dateTime;
        }
    }

    private static final class Auctions extends Records<Auction> {
        private final long[] ids;
        private final long[] sellers;
        private final long[] categories;
        private final long[] expires;
        private final long idShift;
        private final long sellerShift;

        Auctions(Nexmark.Table table) {
            super(table, Auction::new);
            ids = table.numbers("id");
            sellers = table.numbers("seller");
            categories = table.numbers("category");
            expires = table.numbers("expires");
            idShift = table.shift("id");
            sellerShift = table.shift("seller");
        }

        @Override
        public void fill(Auction auction, int index, long time, long seq) {
            long lap = lap(seq);
            auction.id = ids[index] + lap * idShift;
            auction.seller = sellers[index] + lap * sellerShift;
            auction.category = categories[index];
            auction.dateTime = times[index] + time;
            auction.expires = expires[index] + time;
        }

        @Override
        public long eventTime(Auction auction) {
            return auction.dateTime;
        }
    }

    private static final class Persons extends Records<Person> {
        private final long[] ids;
        private final byte[][] names;
        private final byte[][] cities;
        private final byte[][] states;
        private final long idShift;

        Persons(Nexmark.Table table) {
            super(table, Person::new);
            ids = table.numbers("id");
            names = table.texts("name");
            cities = table.texts("city");
            states = table.texts("state");
            idShift = table.shift("id");
        }

        @Override
        public void fill(Person person, int index, long time, long seq) {
            person.id = ids[index] + lap(seq) * idShift;
            person.name = names[index];
            person.city = cities[index];
            person.state = states[index];
            person.dateTime = times[index] + time;
        }

        @Override
        public long eventTime(Person person) {
            return person.dateTime;
        }
    }
}
