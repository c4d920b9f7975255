import Glibc
import PipelineWorker

exit(Worker.runAsProcess())
