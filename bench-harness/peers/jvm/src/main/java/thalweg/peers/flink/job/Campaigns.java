package thalweg.peers.flink.job;

import org.apache.flink.api.common.functions.MapFunction;
import thalweg.peers.input.Ad;
import thalweg.peers.input.Visit;

/** Projects an ad event to its campaign and time. */
final class Campaigns implements MapFunction<Ad, Visit> {
    private final int[] campaigns;
    private final boolean objectReuse;
    private transient Visit view;

    Campaigns(int[] campaigns, boolean objectReuse) {
        this.campaigns = campaigns;
        this.objectReuse = objectReuse;
    }

    @Override
    public Visit map(Ad ad) {
        if (view == null || !objectReuse) {
            view = new Visit();
        }
        view.key = campaigns[ad.ad];
        view.eventTime = ad.eventTime;
        return view;
    }
}
