package thalweg.peers.input;

import java.util.Comparator;
import java.util.stream.IntStream;

/** The records of {@code ysb}. */
public final class AdBlock extends Block<Ad> {
    private static final int RECORD_BYTES = 64;
    private static final int ADS = 1_000;
    private static final int CAMPAIGNS = 100;

    private final long[] users;
    private final long[] pages;
    private final int[] ads;
    private final int[] adTypes;
    private final int[] eventTypes;
    private final int[] ips;
    private final long[] times;

    public AdBlock(long seed, long events, long blockBytes) {
        this(seed, lengthOf(blockBytes, RECORD_BYTES, events));
    }

    private AdBlock(long seed, int length) {
        super(length, spanOf(length, 1_000));
        Draw user = new Draw(seed, 0);
        Draw page = new Draw(seed, 1);
        Draw ad = new Draw(seed, 2);
        Draw adType = new Draw(seed, 3);
        Draw eventType = new Draw(seed, 4);
        Draw ip = new Draw(seed, 5);
        users = new long[2 * length];
        pages = new long[2 * length];
        ads = new int[length];
        adTypes = new int[length];
        eventTypes = new int[length];
        ips = new int[length];
        times = times(length, span);
        for (int i = 0; i < users.length; i++) {
            users[i] = user.bits(i);
            pages[i] = page.bits(i);
        }
        for (int i = 0; i < length; i++) {
            ads[i] = (int) ad.below(i, ADS);
            adTypes[i] = (int) adType.below(i, 5);
            eventTypes[i] = (int) eventType.below(i, 3);
            ips[i] = (int) ip.bits(i);
        }
    }

    /** The campaign of each ad: each campaign has ten, drawn by the seed. */
    public static int[] campaigns(long seed) {
        Draw order = new Draw(seed, 100);
        int[] ads = IntStream.range(0, ADS).boxed()
                .sorted(Comparator.comparing(ad -> order.bits(ad), Long::compareUnsigned))
                .mapToInt(Integer::intValue).toArray();
        int[] campaigns = new int[ADS];
        for (int place = 0; place < ADS; place++) {
            campaigns[ads[place]] = place / (ADS / CAMPAIGNS);
        }
        return campaigns;
    }

    @Override
    public Ad create() {
        return new Ad();
    }

    @Override
    public void fill(Ad record, int index, long time, long seq) {
        record.userHigh = users[2 * index];
        record.userLow = users[2 * index + 1];
        record.pageHigh = pages[2 * index];
        record.pageLow = pages[2 * index + 1];
        record.ad = ads[index];
        record.adType = adTypes[index];
        record.eventType = eventTypes[index];
        record.ip = ips[index];
        record.eventTime = times[index] + time;
        record.seq = seq + index;
    }

    @Override
    public long eventTime(Ad record) {
        return record.eventTime;
    }
}
